import type { ClaimingStorage } from '../core/sharing/shared-storage.js';
import type {
  Atom,
  AtomOutcome,
  Commit,
  LoadCursor,
  LoadPage,
  RowWrite,
  StoredEntry,
} from '../core/storage-adapter.js';
import type { StorageState } from './storage-state.js';

/** A row as it is stored, for tools that carry it over. */
export interface ExactRow extends StoredEntry {
  /** Wall-clock ms; `null` where the row has no time, `'unclear'` where it has one that can't be told. */
  readonly writtenAt: number | null | 'unclear';
}

/** Rows that can't be carried over as they are, all for one reason. */
export interface RefusedRows {
  readonly reason: string;
  readonly count: number;
  /** What the first of their keys look like. */
  readonly keys: readonly string[];
}

/** A key, and about how many bytes its row takes. */
export interface SizedKey {
  readonly key: string;
  readonly size: number;
}

/** A key of a page, with what is known of its row before the value is read. */
export interface ListedKey extends SizedKey {
  /** Wall-clock ms; `null` for never, `'unclear'` where the column holds something else. */
  readonly expiresAt: number | null | 'unclear';
  readonly writtenAt: ExactRow['writtenAt'];
}

/** What a namespace has in the table. */
export interface NamespaceFigures {
  readonly namespace: string;
  /** Its rows, expired ones included. */
  readonly rows: number;
  /** How many of them have expired. */
  readonly expired: number;
  /** Bytes of all values; `undefined` where the database has no word for that. */
  readonly bytes: number | undefined;
  /** When the row that was written first, and the one that was written last, were written. */
  readonly oldest: ExactRow['writtenAt'];
  readonly newest: ExactRow['writtenAt'];
}

/** A row to be written that keeps the time at which it was written once: wall-clock ms, `null` for none. */
export interface TimedWrite extends RowWrite {
  readonly writtenAt: number | null;
}

/** The keys of one page of a namespace. */
export interface KeyPage {
  readonly keys: readonly ListedKey[];
  /** What the page leaves out. A storage may tell of all rows without a text for a key on one page. */
  readonly refused: readonly RefusedRows[];
  /** Where the next page begins; `undefined` when this one was the last. */
  readonly next: LoadCursor | undefined;
}

export interface ExactRead {
  readonly rows: readonly ExactRow[];
  readonly refused: readonly RefusedRows[];
}

/** Where a table is, and who is connected to it. */
export interface Place {
  /** The same for two storages only if they are on the same table, however it was addressed. */
  readonly identity: string;
  /** How many sessions of running caches there are. */
  readonly caches: number;
  /** How many sessions there are of which nobody can tell whose they are. */
  readonly others: number;
}

/** A storage that can say what it holds, exactly: for tools that work on the whole of it. The engine does without. */
export interface ListedStorage extends ClaimingStorage {
  /** The namespaces that have rows, expired ones included, in ascending order; none where there is no table yet. */
  namespaces(): Promise<readonly string[]>;
  /** What each namespace that has rows holds, in ascending order of their names. `now`: wall-clock ms. */
  figures(now: number): Promise<readonly NamespaceFigures[]>;
  /** Rows whose namespace is no text, which no name leads to. */
  strayRows(): Promise<readonly RefusedRows[]>;
  /** Whether the table is there. Rejects with `UNSUPPORTED_STORAGE` for one of an earlier version, which has to be migrated first. */
  hasTable(): Promise<boolean>;
  /** One page of the keys of a namespace, expired rows left out, with the sizes that reading their rows takes. */
  keys(namespace: string, page: LoadPage): Promise<KeyPage>;
  /** The sizes of the rows there are of `keys`, in any order. */
  sizes(namespace: string, keys: readonly string[]): Promise<readonly SizedKey[]>;
  /** The rows there are of `keys`, in any order, expired ones included. */
  exact(namespace: string, keys: readonly string[]): Promise<ExactRead>;
  /** Stores `rows` with the times they were written at, in one transaction. A time that is unclear becomes none. */
  restore(namespace: string, rows: readonly ExactRow[]): Promise<void>;
  /**
   * Writes atoms as `write` does, each of one row, so that each row has the time at which it was written once, and not that of
   * the commit.
   */
  writeTimed(atoms: readonly Atom<TimedWrite>[], commit: Commit): Promise<readonly AtomOutcome[]>;
  place(): Promise<Place>;
  /** How the table and what is beside it are: for people who look after it. */
  state(): Promise<StorageState>;
}
