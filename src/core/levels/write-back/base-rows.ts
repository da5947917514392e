import type { KnownValue } from '../../entries/known-value.js';
import type { KeyRange } from '../../keys/key-range.js';
import type { MemoryKey } from '../../keys/key-space.js';
import type { Stamp } from '../../storage-adapter.js';
import type { DirtyBudget } from './dirty-budget.js';
import type { BasesView, CommittedRow } from './row-bases.js';
import { bytesOfText } from './row-change.js';

/** The row that a dirty entry was built on. */
export interface BaseRow {
  /** `null` where there was none. */
  readonly stamp: Stamp | null;
  /** Wall-clock ms; `null` for never. */
  readonly expiresAt: number | null;
  /** What it held, where texts are kept; `undefined` where that was nothing, or did not decode. */
  readonly text: string | undefined;
  /** Whether this process may have removed it: nobody knows how that ended. */
  readonly mayBeGone: boolean;
}

/** What they need to know of a namespace. */
export interface BaseRowsView extends Omit<BasesView, 'isKnownAbsent'> {
  /** What memory knows of a key that is not dirty. */
  known(key: MemoryKey): KnownValue<unknown> | undefined;
  /** The row that memory holds has this stamp. */
  stamped(key: MemoryKey, stamp: Stamp): void;
}

/**
 * The row that each dirty entry was built on, where several processes share the table: a flush writes it only if the row is
 * still that one. A dirty key without any is blind: whatever its row is, it is written over. While a key is not dirty, memory
 * knows the stamp of its row.
 */
export class BaseRows {
  readonly #rows = new Map<MemoryKey, BaseRow>();
  #bytes = 0;

  constructor(
    private readonly view: BaseRowsView,
    /** Whether the texts are kept, too. They are charged to the budget. */
    private readonly keepsTexts: boolean,
    private readonly budget: DirtyBudget,
  ) {}

  /** How many are kept. */
  get size(): number {
    return this.#rows.size;
  }

  /** Bytes of the texts that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  of(key: MemoryKey): BaseRow | undefined {
    return this.#rows.get(key);
  }

  /** A key is about to become dirty by a write that was told what its row is: memory may know another one since. */
  builtOn(key: MemoryKey, known: KnownValue<unknown>): void {
    if (!this.view.isDirty(key)) this.#learn(key, known);
  }

  /** A key that was not dirty gets its first change. What memory knew of it must not be replaced yet. */
  becomesDirty(key: MemoryKey): void {
    if (this.#rows.has(key)) return;
    if (this.view.isRemoved(key)) {
      this.#set(key, null, null, undefined);
      return;
    }
    const known = this.view.known(key);
    if (known !== undefined) this.#learn(key, known);
  }

  /** A row was committed. `isOlder` says whether something newer of it is dirty. */
  committed({ memoryKey: key, value, expiresAt }: CommittedRow, stamp: Stamp, isOlder: boolean): void {
    // With a removal ahead of it, it does not count.
    if (this.view.isRemoved(key)) return;
    if (isOlder) {
      if (value === undefined) this.#set(key, null, null, undefined);
      else this.#set(key, stamp, expiresAt, value);
      return;
    }
    this.forget(key);
    if (value !== undefined) this.view.stamped(key, stamp);
  }

  /** What is dirty was brought upon another row, or upon none. */
  rebase(key: MemoryKey, found: KnownValue<unknown>): void {
    this.#learn(key, found);
  }

  /** What removes the row may have been committed. */
  mayBeGone(key: MemoryKey): void {
    const base = this.#rows.get(key);
    if (base !== undefined) this.#rows.set(key, { ...base, mayBeGone: true });
  }

  /** The rows of a range are to be removed: what comes after that is built on none. */
  remove(range: KeyRange): void {
    for (const key of this.#rows.keys()) if (this.view.isIn(key, range)) this.forget(key);
  }

  /** The key is not dirty any more. */
  forget(key: MemoryKey): void {
    const base = this.#rows.get(key);
    if (base === undefined) return;
    this.#rows.delete(key);
    this.#charge(-bytesIn(base.text));
  }

  #learn(key: MemoryKey, known: KnownValue<unknown>): void {
    if (known.kind === 'absent') {
      // A row that has expired: nobody misses it when it is gone.
      this.#set(key, known.stamp, known.stamp === null ? null : 0, undefined);
    } else if (known.kind === 'unreadable') {
      this.#set(key, known.stamp, null, undefined);
    } else if (known.stored.stamp !== undefined) {
      const { stamp, expiresAt } = known.stored;
      this.#set(key, stamp, expiresAt, this.keepsTexts ? known.stored.text : undefined);
    }
  }

  #set(key: MemoryKey, stamp: Stamp | null, expiresAt: number | null, text: string | undefined): void {
    const kept = this.keepsTexts ? text : undefined;
    this.#charge(bytesIn(kept) - bytesIn(this.#rows.get(key)?.text));
    this.#rows.set(key, { stamp, expiresAt, text: kept, mayBeGone: false });
  }

  /** Nobody is let in by it: what is released comes with the change that it was of. */
  #charge(bytes: number): void {
    if (bytes === 0) return;
    this.#bytes += bytes;
    this.budget.charge(0, bytes);
  }
}

function bytesIn(text: string | undefined): number {
  return text === undefined ? 0 : bytesOfText(text);
}
