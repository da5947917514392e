import { SerialQueue } from '../serial-queue.js';
import type { EntryPages, ListedEntry } from './entry-pages.js';

const NO_ENTRIES: readonly ListedEntry<never>[] = [];

/**
 * Gives the entries of pages one by one. Written by hand: an async generator takes three turns of the microtasks for each
 * entry, which is as long as the rest of it.
 */
export class Scan<V> implements AsyncIterableIterator<ListedEntry<V>> {
  #pages: EntryPages<V> | undefined;
  #page: readonly ListedEntry<V>[] = NO_ENTRIES;
  #next = 0;
  #left: number;
  /** Calls that wait for a page. */
  readonly #line = new SerialQueue();

  constructor(pages: EntryPages<V>, limit: number) {
    this.#pages = pages;
    this.#left = limit;
  }

  next(): Promise<IteratorResult<ListedEntry<V>>> {
    if (this.#line.idle && this.#next < this.#page.length) return Promise.resolve(this.#take());
    return this.#line.run(() => this.#advance());
  }

  /** Ends the iteration early: nothing is left to be released, and no more pages are read. */
  async return(): Promise<IteratorResult<ListedEntry<V>>> {
    this.#end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #advance(): Promise<IteratorResult<ListedEntry<V>>> {
    while (this.#next >= this.#page.length) {
      let page: readonly ListedEntry<V>[] | undefined;
      try {
        page = await this.#pages?.next();
      } catch (error) {
        this.#end();
        throw error;
      }
      // It may have been ended meanwhile.
      if (page === undefined || this.#pages === undefined) {
        this.#end();
        return { value: undefined, done: true };
      }
      this.#page = page;
      this.#next = 0;
    }
    return this.#take();
  }

  #take(): IteratorResult<ListedEntry<V>> {
    const value = this.#page[this.#next] as ListedEntry<V>;
    this.#next += 1;
    this.#left -= 1;
    if (this.#left === 0) this.#end();
    return { value, done: false };
  }

  #end(): void {
    this.#pages = undefined;
    this.#page = NO_ENTRIES;
    this.#next = 0;
  }
}
