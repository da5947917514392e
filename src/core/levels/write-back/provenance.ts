import type { PersistedEntries } from '../../entries/persisted-entries.js';
import type { KeyRange } from '../../keys/key-range.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { Base } from '../../rescue/row-fingerprint.js';
import type { Stamp } from '../../storage-adapter.js';
import type { DirtyEntries, TakenChange } from './dirty-entries.js';
import { RowBases, type CommittedRow } from './row-bases.js';

/** A row of a batch. */
export type WrittenRow = TakenChange & CommittedRow;

/** What memory knows. */
type KnownEntries = Pick<PersistedEntries<unknown>, 'watchRows' | 'isKnownAbsent'> & {
  readonly store: Pick<PersistedEntries<unknown>['store'], 'has'>;
};

/**
 * Which rows the dirty entries of a namespace are newer than: what a rescue journal says of each, so that the next start
 * can prove it. Kept only where there is a journal.
 */
export class Provenance {
  readonly bases: RowBases;
  /**
   * The first transaction of each key that was to write it and ended nobody knows how: that one may have been committed, and so
   * may any other since.
   */
  readonly #doubted = new Map<MemoryKey, Stamp>();
  /** The transaction under way. */
  #underway: { readonly rows: readonly WrittenRow[]; readonly stamp: Stamp } | undefined;

  constructor(
    private readonly dirty: DirtyEntries,
    private readonly keys: KeySpace<unknown>,
    entries: KnownEntries,
  ) {
    this.bases = new RowBases({
      isDirty: (key) => dirty.get(key) !== undefined,
      isInMemory: (key) => entries.store.has(key),
      isKnownAbsent: (key) => entries.isKnownAbsent(key),
      isRemoved: (key) => dirty.isRemoved(key),
      isIn: (key, range) => keys.isIn(key, range),
    });
    entries.watchRows(this.bases);
  }

  attempting(rows: readonly WrittenRow[], stamp: Stamp): void {
    this.#underway = { rows, stamp };
  }

  /** To be told before the changes are forgotten: that lets others in, who build on what is known then. */
  committed(rows: readonly WrittenRow[], stamp: Stamp): void {
    this.#underway = undefined;
    for (const row of rows) {
      const { memoryKey, change } = row;
      const newest = this.dirty.get(memoryKey);
      this.bases.committed(row, stamp, newest !== undefined && newest !== change);
      if (this.#doubted.size > 0) this.#doubted.delete(memoryKey);
    }
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
      if (value === undefined || expiresAt !== null) this.bases.mayBeGone(memoryKey);
    }
  }

  remove(range: KeyRange): void {
    this.bases.remove(range);
    for (const key of this.#doubted.keys()) if (this.keys.isIn(key, range)) this.#doubted.delete(key);
  }

  /** To be told before others are let in by it. */
  removalCommitted(range: KeyRange): void {
    this.bases.removalCommitted(range);
  }

  /** What the journal says of a dirty key. */
  of(key: MemoryKey): { base?: Base | null; since?: Stamp } {
    const base = this.bases.of(key);
    const since = this.#doubted.get(key);
    return {
      ...(base === undefined ? {} : { base }),
      ...(since === undefined ? {} : { since }),
    };
  }
}
