import { nextTurn, type Clock } from '../clock.js';
import type { EntryStore } from '../entries/entry-store.js';
import { sortedByText, type KeyText } from '../keys/key-order.js';
import type { KeySpace } from '../keys/key-space.js';
import type { EntryPages, ListedEntry, Listing } from './entry-pages.js';

const ENTRIES_PER_PAGE = 1000;

/** The entries of a namespace that has no rows. Keys are fixed at the beginning, values are those of their page's time. */
export class MemoryPages<V> implements EntryPages<V> {
  #keys: readonly KeyText[] | undefined;
  #next = 0;

  constructor(
    private readonly store: EntryStore<V>,
    private readonly keys: KeySpace<unknown>,
    private readonly clock: Clock,
    private readonly listing: Listing,
  ) {}

  async next(): Promise<readonly ListedEntry<V>[] | undefined> {
    if (this.#keys === undefined) this.#keys = await this.#sorted();
    else await nextTurn(this.clock);
    if (this.#next >= this.#keys.length) return undefined;
    const page: ListedEntry<V>[] = [];
    const end = this.#next + ENTRIES_PER_PAGE;
    for (const { key } of this.#keys.slice(this.#next, end)) {
      const value = this.store.peek(key);
      if (value !== undefined) page.push([this.keys.keyOf(key), value]);
    }
    this.#next = end;
    return page;
  }

  async #sorted(): Promise<readonly KeyText[]> {
    const { range, reverse } = this.listing;
    const those = Array.from(this.store.keys()).filter((key) => this.keys.isIn(key, range));
    const sorted = await sortedByText(those, (key) => this.keys.textOf(key), this.clock);
    return reverse ? sorted.toReversed() : sorted;
  }
}
