import { stampOf, type KnownValue } from '../../entries/known-value.js';
import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import type { KeyRange } from '../../keys/key-range.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { Base } from '../../rescue/row-fingerprint.js';
import type { Stamp, StampedEntry } from '../../storage-adapter.js';
import { BaseRows, type BaseRow } from './base-rows.js';
import type { DirtyBudget } from './dirty-budget.js';
import type { DirtyEntries, TakenChange } from './dirty-entries.js';
import { RowBases, type CommittedRow } from './row-bases.js';

/** A row of a batch. */
export type WrittenRow = TakenChange & CommittedRow;

export interface ProvenanceOptions {
  readonly definition: Pick<NamespaceDefinition, 'onConflict'>;
  readonly keys: KeySpace<unknown>;
  readonly entries: KnownEntries;
  readonly budget: DirtyBudget;
  readonly isJournalled: boolean;
  readonly isShared: boolean;
}

/** What memory knows. */
type KnownEntries = Pick<PersistedEntries<unknown>, 'watchRows' | 'isKnownAbsent' | 'held' | 'known'> & {
  readonly store: Pick<PersistedEntries<unknown>['store'], 'has' | 'stampOf' | 'keepStamp'>;
};

/** Which rows the dirty entries of a namespace are newer than. Kept only where there is a journal, or other processes write. */
export class Provenance {
  /**
   * The first transaction of each key that was to write it and ended nobody knows how: that one may have been committed, and so
   * may any other since.
   */
  readonly #doubted = new Map<MemoryKey, Stamp>();
  /** The transaction under way. */
  #underway: { readonly rows: readonly WrittenRow[]; readonly stamp: Stamp } | undefined;

  /** Where there is a rescue journal: the next start proves by them that what is dirty is newer. */
  readonly #bases: RowBases | undefined;
  /** Where other processes write to the same rows: the flush compares with them. */
  readonly #rows: BaseRows | undefined;

  constructor(
    private readonly dirty: DirtyEntries,
    private readonly options: ProvenanceOptions,
  ) {
    const { definition, keys, entries, budget, isJournalled, isShared } = options;
    const view = {
      isDirty: (key: MemoryKey) => dirty.get(key) !== undefined,
      isInMemory: (key: MemoryKey) => entries.store.has(key),
      isKnownAbsent: (key: MemoryKey) => entries.isKnownAbsent(key),
      isRemoved: (key: MemoryKey) => dirty.isRemoved(key),
      isIn: (key: MemoryKey, range: KeyRange) => keys.isIn(key, range),
    };
    if (isJournalled) {
      this.#bases = new RowBases(view);
      entries.watchRows(this.#bases);
    }
    if (!isShared) return;
    const rowView = {
      ...view,
      // Its text first: what is not decoded yet stays so.
      known: (key: MemoryKey) => entries.held(key, true) ?? entries.known(key),
      stamped: (key: MemoryKey, stamp: Stamp) => entries.store.keepStamp(key, stamp),
    };
    this.#rows = new BaseRows(rowView, typeof definition.onConflict === 'function', budget);
  }

  /** A key that was not dirty gets its first change. */
  becomesDirty(key: MemoryKey): void {
    this.#bases?.becomesDirty(key);
    this.#rows?.becomesDirty(key);
  }

  /** A key is about to become dirty by a write that was told what its row is. */
  builtOn(key: MemoryKey, known: KnownValue<unknown>): void {
    const { entries } = this.options;
    if (this.#rows !== undefined) {
      // Others have written the row since, and memory has read that.
      if (this.dirty.get(key) === undefined && entries.store.stampOf(key) !== stampOf(known))
        this.#bases?.forget(key);
      this.#rows.builtOn(key, known);
    }
    this.#bases?.builtOn(key, known);
  }

  /** What the row of a dirty key was; `undefined` where that is not known. */
  rowOf(key: MemoryKey): BaseRow | undefined {
    return this.#rows?.of(key);
  }

  /** Bytes of the texts that are kept. */
  get bytes(): number {
    return this.#rows?.bytes ?? 0;
  }

  attempting(rows: readonly WrittenRow[], stamp: Stamp): void {
    this.#underway = { rows, stamp };
  }

  /** To be told before the changes are forgotten: that lets others in, who build on what is known then. */
  committed(written: readonly WrittenRow[], stamp: Stamp): void {
    const { dirty } = this;
    this.#underway = undefined;
    for (const row of written) {
      const { memoryKey, change } = row;
      const newest = dirty.get(memoryKey);
      const isOlder = newest !== undefined && newest !== change;
      this.#bases?.committed(row, stamp, isOlder);
      this.#rows?.committed(row, stamp, isOlder);
      if (this.#doubted.size > 0) this.#doubted.delete(memoryKey);
    }
  }

  /** What is dirty was brought upon the row that others have written, or upon none. */
  rebase(key: MemoryKey, row: StampedEntry | undefined, found: KnownValue<unknown>): void {
    this.#bases?.rebase(key, row);
    this.#rows?.rebase(key, found);
  }

  /** What is dirty is to be written over whatever row there is. */
  forget(key: MemoryKey): void {
    this.#bases?.forget(key);
    this.#rows?.forget(key);
  }

  /** The change of a key is about to be given up: memory holds the row that others have written, or nothing. */
  gaveUp(key: MemoryKey, row: StampedEntry | undefined): void {
    if (row !== undefined && this.options.entries.store.has(key)) this.#bases?.rebase(key, row);
    else this.#bases?.forget(key);
    this.#rows?.forget(key);
    this.#doubted.delete(key);
  }

  /** The last transaction failed, and was refused for its data: it has written nothing. */
  refused(): void {
    this.#underway = undefined;
  }

  /** The transaction under way has ended nobody knows how, or may never be heard of. */
  doubtUnderway(): void {
    if (this.#underway === undefined) return;
    const { rows, stamp } = this.#underway;
    this.#underway = undefined;
    for (const { memoryKey, value, expiresAt } of rows) {
      if (this.dirty.get(memoryKey) === undefined) continue;
      if (!this.#doubted.has(memoryKey)) this.#doubted.set(memoryKey, stamp);
      if (value !== undefined && expiresAt === null) continue;
      this.#bases?.mayBeGone(memoryKey);
      this.#rows?.mayBeGone(memoryKey);
    }
  }

  remove(range: KeyRange): void {
    const { keys } = this.options;
    this.#bases?.remove(range);
    this.#rows?.remove(range);
    for (const key of this.#doubted.keys()) if (keys.isIn(key, range)) this.#doubted.delete(key);
  }

  /** To be told before others are let in by it. */
  removalCommitted(range: KeyRange): void {
    this.#bases?.removalCommitted(range);
  }

  /** The rows that are still to be removed, as far as memory knew them. */
  get removed(): Iterable<[MemoryKey, Base]> {
    return this.#bases?.removed ?? [];
  }

  /** What the journal says of a dirty key. */
  of(key: MemoryKey): { base?: Base | null; since?: Stamp } {
    const base = this.#bases?.of(key);
    const since = this.#doubted.get(key);
    return {
      ...(base === undefined ? {} : { base }),
      ...(since === undefined ? {} : { since }),
    };
  }
}
