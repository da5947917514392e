import { LRUCache } from 'lru-cache';
import type { MemoryKey } from '../keys/key-space.js';

/** Absences remembered at most, a cautious cap: each costs a key and some 60 bytes. */
const MAX_ABSENT = 10_000;
/** Exceptions from completeness at most: past it memory counts as incomplete. */
const MAX_UNKNOWN = 10_000;

/**
 * What is known about a namespace's rows beside the entries in memory: whether memory holds all of them, which keys have
 * no row, and which keys are in doubt. A key is in doubt (the term of distributed transactions) when a commit of it was
 * given up on and may have happened. Readers keep the previous value; no write builds on it until the database was read.
 *
 * At any time:
 * - a key that is remembered as absent is not in memory;
 * - while memory is complete, no absences are remembered: a key that is not in memory is absent, unless it is unknown since
 *   others have changed it;
 * - no write builds on a key in doubt, or takes it for absent.
 */
export class Knowledge {
  #complete = false;
  /** What memory lacks while it is complete but for that. */
  readonly #unknown = new Set<MemoryKey>();
  #absent: LRUCache<MemoryKey, true> | undefined;
  #inDoubt = new Set<MemoryKey>();
  #allInDoubt = false;

  constructor(private readonly maxEntries: number) {}

  /** Whether memory holds all there is. */
  get isComplete(): boolean {
    return this.#complete && this.#unknown.size === 0;
  }

  /** Whether the database surely has no row for a key that is not in memory. */
  isAbsent(key: MemoryKey): boolean {
    if (this.#complete) return !this.#unknown.has(key);
    return this.#absent?.get(key) === true;
  }

  /** `key` has a row, or is dirty. */
  present(key: MemoryKey): void {
    this.#absent?.delete(key);
    this.#unknown.delete(key);
  }

  /** `key` has no row, and is not in memory. */
  absent(key: MemoryKey): void {
    this.#unknown.delete(key);
    if (this.#complete) return;
    this.#absent ??= new LRUCache({ max: Math.min(this.maxEntries, MAX_ABSENT) });
    this.#absent.set(key, true);
  }

  /** `key`, which is not in memory, may have a row or not. */
  unknown(key: MemoryKey): void {
    this.#absent?.delete(key);
    if (!this.#complete) return;
    this.#unknown.add(key);
    if (this.#unknown.size > MAX_UNKNOWN) this.lacksSome();
  }

  /** Memory holds all there is, but for `unknown`. */
  complete(unknown: Iterable<MemoryKey> = []): void {
    this.#complete = true;
    this.#absent = undefined;
    this.#unknown.clear();
    for (const key of unknown) this.unknown(key);
  }

  /** Memory does not hold an entry that the database may have. */
  lacksSome(): void {
    this.#complete = false;
    this.#unknown.clear();
  }

  /** Forgets all of it: others may have written to the database. */
  expire(): void {
    this.lacksSome();
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

  /** A clear was given up on: every existing key is in doubt. Keys that were known to be absent still are. */
  doubtAll(): void {
    this.#allInDoubt = true;
  }

  /** The keys to read from the database: those in doubt and, when all are in doubt, those of `held` too. */
  doubted(held: Iterable<MemoryKey>): MemoryKey[] {
    return [...(this.#allInDoubt ? new Set([...this.#inDoubt, ...held]) : this.#inDoubt)];
  }

  /** All of them were read from the database. */
  settled(): void {
    this.#inDoubt = new Set();
    this.#allInDoubt = false;
  }

  /** Throws if an invariant is broken; for tests. */
  assertHolds(isInMemory: (key: MemoryKey) => boolean): void {
    for (const key of this.#unknown)
      if (isInMemory(key)) throw new Error(`${String(key)} counts as unknown, and is in memory.`);
    if (this.#complete && (this.#absent?.size ?? 0) > 0)
      throw new Error('Memory is complete, and absences are remembered all the same.');
    for (const key of this.#absent?.keys() ?? [])
      if (isInMemory(key)) throw new Error(`${String(key)} is remembered as absent, and is in memory.`);
  }
}
