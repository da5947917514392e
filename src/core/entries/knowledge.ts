import { LRUCache } from 'lru-cache';
import type { MemoryKey } from '../keys/key-space.js';

/** Absences remembered at most, a cautious cap: each costs a key and some 60 bytes. */
const MAX_ABSENT = 10_000;

/**
 * What is known of a namespace's rows beside the entries in memory: whether memory holds all there are, which keys have
 * none, and which are in doubt: a commit was given up on that may have happened. (The word is that of distributed
 * transactions.) Readers keep the previous value of a key in doubt; nothing is built on it until the database was asked.
 *
 * It holds at any time that
 * - a key remembered as absent is not in memory;
 * - while memory is complete, no absence is remembered: whatever is not in memory is absent;
 * - a key in doubt is neither built on nor answered for as absent by a write.
 */
export class Knowledge {
  #complete = false;
  #absent: LRUCache<MemoryKey, true> | undefined;
  #inDoubt = new Set<MemoryKey>();
  #allInDoubt = false;

  constructor(private readonly maxEntries: number) {}

  /** Whether memory holds all there is. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /** Whether the database surely has no row for a key that is not in memory. */
  isAbsent(key: MemoryKey): boolean {
    return this.#complete || this.#absent?.get(key) === true;
  }

  /** `key` has a row, or is dirty. */
  present(key: MemoryKey): void {
    this.#absent?.delete(key);
  }

  /** `key` has no row, and is not in memory. */
  absent(key: MemoryKey): void {
    if (this.#complete) return;
    this.#absent ??= new LRUCache({ max: Math.min(this.maxEntries, MAX_ABSENT) });
    this.#absent.set(key, true);
  }

  /** Memory holds all there is. */
  complete(): void {
    this.#complete = true;
    this.#absent = undefined;
  }

  /** Memory does not hold an entry that the database may have. */
  lacksSome(): void {
    this.#complete = false;
  }

  /** Forgets what was known: others may have written to the database. */
  expire(): void {
    this.#complete = false;
    this.#absent = undefined;
  }

  get isInDoubt(): boolean {
    return this.#allInDoubt || this.#inDoubt.size > 0;
  }

  get isAllInDoubt(): boolean {
    return this.#allInDoubt;
  }

  /** A commit that would have changed `key` was given up on, and may have happened. */
  doubt(key: MemoryKey): void {
    this.#inDoubt.add(key);
  }

  /** A clear was given up on: every key there was is in doubt. What was known to be absent still is. */
  doubtAll(): void {
    this.#allInDoubt = true;
  }

  /** The keys to ask the database for: those in doubt, and when all are, those that `held` has. */
  doubted(held: Iterable<MemoryKey>): MemoryKey[] {
    return [...(this.#allInDoubt ? new Set([...this.#inDoubt, ...held]) : this.#inDoubt)];
  }

  /** The database has answered for all of them. */
  settled(): void {
    this.#inDoubt = new Set();
    this.#allInDoubt = false;
  }

  /** Throws where its invariant does not hold: for proofs. */
  assertHolds(isInMemory: (key: MemoryKey) => boolean): void {
    if (this.#complete && (this.#absent?.size ?? 0) > 0)
      throw new Error('Memory is complete, and absences are remembered all the same.');
    for (const key of this.#absent?.keys() ?? [])
      if (isInMemory(key)) throw new Error(`${String(key)} is remembered as absent, and is in memory.`);
  }
}
