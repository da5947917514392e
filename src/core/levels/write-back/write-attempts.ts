import type { MemoryKey } from '../../keys/key-space.js';
import type { Stamp } from '../../storage-adapter.js';

/**
 * Most stamps that are kept: of a long outage the first ones and the last. It is there that a commit may have happened
 * which nobody heard of.
 */
const MAX_STAMPS = 16;

/**
 * The transactions that were to write dirty entries and ended nobody knows how. Each failure costs one stamp, however many
 * entries it was about: a key has the number of the first that it was in, and all since count as its own. A row can't
 * have the stamp of one that it was not in.
 */
export class WriteAttempts {
  readonly #stamps: Stamp[] = [];
  readonly #first = new Map<MemoryKey, number>();

  get size(): number {
    return this.#first.size;
  }

  /** A transaction with rows of `keys` ended nobody knows how. */
  add(keys: Iterable<MemoryKey>, stamp: Stamp): void {
    if (this.#stamps.at(-1) !== stamp) {
      if (this.#stamps.length === MAX_STAMPS) this.#stamps.pop();
      this.#stamps.push(stamp);
    }
    for (const key of keys) if (!this.#first.has(key)) this.#first.set(key, this.#stamps.length - 1);
  }

  /** A later write of `key` was committed, or it is void. */
  forget(key: MemoryKey): void {
    if (this.#first.size === 0) return;
    this.#first.delete(key);
    if (this.#first.size === 0) this.#stamps.length = 0;
  }

  keys(): Iterable<MemoryKey> {
    return this.#first.keys();
  }

  /** The stamps that an older row of `key` may have. */
  of(key: MemoryKey): readonly Stamp[] {
    const first = this.#first.get(key);
    return first === undefined ? [] : this.#stamps.slice(first);
  }
}
