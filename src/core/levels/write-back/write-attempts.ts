import type { MemoryKey } from '../../keys/key-space.js';
import type { Stamp } from '../../storage-adapter.js';

/**
 * The keys that a transaction was to write which ended nobody knows how, each with the stamp of the first of these: that one
 * may have been committed, and so may any other since.
 */
export class WriteAttempts {
  readonly #first = new Map<MemoryKey, Stamp>();

  get size(): number {
    return this.#first.size;
  }

  /** A transaction with rows of `keys` ended nobody knows how. */
  add(keys: Iterable<MemoryKey>, stamp: Stamp): void {
    for (const key of keys) if (!this.#first.has(key)) this.#first.set(key, stamp);
  }

  /** A later write of `key` was committed, or it is void. */
  forget(key: MemoryKey): void {
    if (this.#first.size > 0) this.#first.delete(key);
  }

  keys(): Iterable<MemoryKey> {
    return this.#first.keys();
  }

  /** The first stamp that an older row of `key` may have. */
  of(key: MemoryKey): Stamp | undefined {
    return this.#first.get(key);
  }
}
