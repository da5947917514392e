import type { KnownValue } from '../../entries/known-value.js';
import type { MemoryKey } from '../../keys/key-space.js';
import type { KeyRange } from '../../keys/key-range.js';
import { fingerprint, withoutNotice, type Base } from '../../rescue/row-fingerprint.js';
import type { Stamp, StampedEntry } from '../../storage-adapter.js';
import type { RowWatcher } from '../../entries/row-watcher.js';

/** What the bases need to know of a namespace. */
export interface BasesView {
  isDirty(key: MemoryKey): boolean;
  isInMemory(key: MemoryKey): boolean;
  /** Whether the database surely has no row for a key that is not in memory. */
  isKnownAbsent(key: MemoryKey): boolean;
  /** Whether the row of a key is to be removed with others. */
  isRemoved(key: MemoryKey): boolean;
  isIn(key: MemoryKey, range: KeyRange): boolean;
}

/** A row that was committed. */
export interface CommittedRow {
  readonly memoryKey: MemoryKey;
  /** `undefined` where it was removed. */
  readonly value: string | undefined;
  readonly expiresAt: number | null;
}

/**
 * The row that each entry of a write-back namespace was built on: the last one that memory saw, read or written by its own
 * flush. Kept for the keys in memory and for the dirty ones; while a key is dirty, its base changes only when an older
 * change of it is committed. `null` is the base of what was built on no row; a dirty key without any is blind.
 */
export class RowBases implements RowWatcher {
  readonly #bases = new Map<MemoryKey, Base | null>();
  /** The rows that a removal which is not committed has found in memory. */
  readonly #removed = new Map<MemoryKey, Base>();

  constructor(private readonly view: BasesView) {}

  /** How many are kept. */
  get size(): number {
    return this.#bases.size + this.#removed.size;
  }

  seen(key: MemoryKey, text: string, expiresAt: number | null, stamp: Stamp): void {
    // One that did not fit was evicted at once.
    if (this.view.isInMemory(key) && !this.view.isDirty(key)) this.#set(key, text, expiresAt, stamp);
  }

  /** A key is about to become dirty by a write that was told what its row is: memory may have let go of it since. */
  builtOn(key: MemoryKey, known: KnownValue<unknown>): void {
    if (this.view.isDirty(key) || this.#bases.has(key)) return;
    if (known.kind === 'absent' && known.stamp === null) this.#bases.set(key, null);
    if (known.kind !== 'present') return;
    const { stamp, text, expiresAt } = known.stored;
    if (stamp !== undefined) this.#set(key, text, expiresAt, stamp);
  }

  left(key: MemoryKey): void {
    if (!this.view.isDirty(key)) this.#bases.delete(key);
  }

  /** A key that was not dirty gets its first change. What memory knew of it must not be replaced yet. */
  becomesDirty(key: MemoryKey): void {
    const { view } = this;
    if (this.#bases.has(key)) return;
    if (view.isRemoved(key) || (!view.isInMemory(key) && view.isKnownAbsent(key))) this.#bases.set(key, null);
  }

  /** A row was committed. `isOlder` says whether something newer of it is dirty. To be told before it is forgotten. */
  committed({ memoryKey: key, value, expiresAt }: CommittedRow, stamp: Stamp, isOlder: boolean): void {
    // With a removal ahead of it, it does not count.
    if (this.view.isRemoved(key)) return;
    if (!isOlder && (value === undefined || !this.view.isInMemory(key))) this.#bases.delete(key);
    else if (value === undefined) this.#bases.set(key, null);
    else this.#set(key, value, expiresAt, stamp);
  }

  /** What is dirty was brought upon another row, or upon none. */
  rebase(key: MemoryKey, row: Pick<StampedEntry, 'value' | 'expiresAt' | 'stamp'> | undefined): void {
    if (row === undefined) this.#bases.set(key, null);
    // A column of another type may hold anything.
    else if (typeof row.value !== 'string') this.#bases.delete(key);
    else this.#set(key, row.value, row.expiresAt, row.stamp);
  }

  /** What is kept of a key is of another row than what is to come. */
  forget(key: MemoryKey): void {
    this.#bases.delete(key);
  }

  /** What removes the row may have been committed. */
  mayBeGone(key: MemoryKey): void {
    const base = this.#bases.get(key);
    if (typeof base === 'number') this.#bases.set(key, withoutNotice(base));
  }

  /** The rows of a range are to be removed: what comes after that is built on none. */
  remove(range: KeyRange): void {
    for (const [key, base] of this.#bases) {
      if (!this.view.isIn(key, range)) continue;
      this.#bases.delete(key);
      if (base !== null) this.#removed.set(key, base);
    }
  }

  removalCommitted(range: KeyRange): void {
    for (const key of this.#removed.keys()) if (this.view.isIn(key, range)) this.#removed.delete(key);
  }

  /** What a dirty key was built on. Where its row is still to be removed, that row. */
  of(key: MemoryKey): Base | null | undefined {
    const base = this.#bases.get(key);
    return base === null ? (this.#removed.get(key) ?? null) : base;
  }

  /** The rows that are still to be removed, as far as memory knew them. */
  get removed(): Iterable<[MemoryKey, Base]> {
    return this.#removed;
  }

  #set(key: MemoryKey, text: string, expiresAt: number | null, stamp: Stamp): void {
    const base = fingerprint(text, stamp);
    this.#bases.set(key, expiresAt === null ? base : withoutNotice(base));
  }
}
