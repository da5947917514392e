import type { MemoryKey } from '../keys/key-space.js';

/**
 * Keys of which nobody knows what the database has: a commit was given up on that may have happened. (The word is that
 * of distributed transactions.) Readers keep the value of before; nothing is built on it until the database was asked.
 */
export class InDoubt {
  #keys = new Set<MemoryKey>();
  #all = false;

  get isEmpty(): boolean {
    return !this.#all && this.#keys.size === 0;
  }

  add(key: MemoryKey): void {
    this.#keys.add(key);
  }

  /** A clear was given up on: every key there was is in doubt. What was known to be absent still is. */
  addAll(): void {
    this.#all = true;
  }

  /** The keys to ask for: those in doubt, and when all are, those that `held` has. */
  keys(held: Iterable<MemoryKey>): MemoryKey[] {
    return [...(this.#all ? new Set([...this.#keys, ...held]) : this.#keys)];
  }

  /** The database has answered for all of them. */
  resolved(): void {
    this.#keys = new Set();
    this.#all = false;
  }
}
