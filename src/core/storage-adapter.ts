import type { KeyRange } from './keys/key-range.js';

/** A row as the storage holds it. */
export interface StoredEntry {
  /** The encoded key. */
  readonly key: string;
  /** The encoded value. */
  readonly value: string;
  /** Wall-clock milliseconds after which the entry counts as absent; `null` for never. */
  readonly expiresAt: number | null;
}

/**
 * What a commit leaves in each row that it writes: a safe integer of its own. Two stamps are compared for equality alone,
 * to tell whether a row is still the one that was read. 0 is the stamp of a row that no cache has written.
 */
export type Stamp = number;

/** A row as it was read. */
export interface StampedEntry extends StoredEntry {
  readonly stamp: Stamp;
}

/** What is to become of one row. */
export interface RowWrite {
  readonly namespace: string;
  /** The encoded key. */
  readonly key: string;
  /** The encoded value; `undefined` to remove the row. */
  readonly value: string | undefined;
  /** Wall-clock ms; `null` for never. */
  readonly expiresAt: number | null;
  /**
   * What the row must be for this to happen (compare-and-set): of this stamp, be it expired or not, or absent (`null`).
   * Default: whatever it is.
   */
  readonly expects?: Stamp | null | undefined;
}

/** Rows that are written together or not at all. */
export type Atom<Row extends RowWrite = RowWrite> = readonly Row[];

/** What a transaction leaves in the rows that it writes. */
export interface Commit {
  readonly stamp: Stamp;
  /** When they were written, wall-clock ms. */
  readonly now: number;
  /** Where its note goes, in the same transaction, on a storage that several processes share; none without. */
  readonly logged?: LogPosition | undefined;
}

/** A place in the log of a process that shares its storage: `n` counts its commits, from 1. */
export interface LogPosition {
  readonly writer: Writer;
  readonly n: number;
}

/** The number of a process on a shared storage: a random safe integer above 0. */
export type Writer = number;

/**
 * What became of an atom. `conflict`: one of its rows is not what it expects, and nothing of it was written. `refused`:
 * the storage does not take this very data, and nothing of it was written.
 */
export type AtomOutcome =
  | { readonly kind: 'committed' }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'refused'; readonly error: unknown };

export const COMMITTED: AtomOutcome = Object.freeze({ kind: 'committed' });
export const CONFLICT: AtomOutcome = Object.freeze({ kind: 'conflict' });

/** Where a page of rows ended. Only the adapter that made it can read it. */
export type LoadCursor = string | number | Uint8Array;

/** Where a page of rows begins and how many it may hold. */
export interface LoadPage {
  /** {@link LoadedPage.next} of the previous page; `undefined` for the first page. */
  readonly after: LoadCursor | undefined;
  readonly limit: number;
  /** Rows that expired at or before this time (wall-clock ms) are left out. */
  readonly now: number;
  /** The keys to load. Default all of them. With a range rows come in the order of their keys' bytes in UTF-8. */
  readonly range?: KeyRange | undefined;
  /** Whether rows come in descending order. Default false. */
  readonly reverse?: boolean | undefined;
}

/** Rows that have no text for a key: NULL, a number, or bytes that are not UTF-8, in a table that others made. */
export interface UnreadableRows {
  readonly count: number;
  /** One of the keys as it is shown in logs; empty if there is none. */
  readonly example: string;
}

/** One page of a namespace. */
export interface LoadedPage {
  /** In the order of their keys. */
  readonly rows: readonly StampedEntry[];
  /** The rows that the page leaves out. A storage may report all of them on one page. Default none. */
  readonly unreadable?: UnreadableRows;
  /** Where the next page begins; `undefined` when this one was the last. */
  readonly next: LoadCursor | undefined;
}

/**
 * `transient`: the storage's state, not this data, is the reason; the same write may succeed later.
 * `permanent`: this very data is refused; writing it again will not help.
 */
export type StorageFailure = 'transient' | 'permanent';

/** What tells a storage from other objects, and of which edition of the port it is: {@link CacheStorageAdapter} says how. */
export const CACHE_STORAGE = Symbol.for('nestjs-durable-cache.storage');

/**
 * The storage port: what the engine needs of a database. Bulk first; a single entry is a bulk of one.
 *
 * The engine has one `write`, `modify`, `clear` or `clearRange` under way at a time. `load`, `read` and `count` may overlap
 * it, and must then see all of it or nothing. Keys compare by exact bytes.
 */
export interface CacheStorageAdapter {
  /** The edition of the port that it implements. */
  readonly [CACHE_STORAGE]: 2;
  /** Connects, and prepares the schema. Called once, before anything else. */
  open(): Promise<void>;
  /** Releases the connection. Called once, after the last write. */
  close(): Promise<void>;
  /** The number of rows of a namespace, or of those whose keys lie in `range`, that have not expired at `now`. */
  count(namespace: string, now: number, range?: KeyRange): Promise<number>;
  /** One page of a namespace, in order of key. */
  load(namespace: string, page: LoadPage): Promise<LoadedPage>;
  /** The rows there are of `keys`, in any order, expired ones included. */
  read(namespace: string, keys: readonly string[]): Promise<readonly StampedEntry[]>;
  /**
   * Writes atoms in one transaction, those in conflict left out, and resolves when it has committed, with what became of
   * each. No key is in them twice. An atom that the storage refuses may be left out, too, or fail all of them. Rejects when
   * nothing of it has committed, or nobody can tell. It must settle in a time of its own: the callers of its writes wait for
   * it, and the process with them.
   */
  write(atoms: readonly Atom[], commit: Commit): Promise<readonly AtomOutcome[]>;
  /**
   * Reads the rows there are of `keys`, expired ones included, and writes what `decide` makes of them, atoms of these very keys,
   * in one transaction: nobody else writes a row between its read and the commit. An absent row can't be held: what expects
   * its absence may be in conflict all the same. `decide` is called at most once. Settles as {@link write} does; what
   * `decide` throws, it rejects with.
   */
  modify(
    namespace: string,
    keys: readonly string[],
    decide: (rows: readonly StampedEntry[]) => readonly Atom[],
    commit: Commit,
  ): Promise<readonly AtomOutcome[]>;
  /** Removes every row of a namespace in one transaction. */
  clear(namespace: string, commit: Commit): Promise<void>;
  /**
   * Removes every row of a namespace whose key lies in `range`, in one transaction. Returns how many of them had not
   * expired at `commit.now`.
   */
  clearRange(namespace: string, range: KeyRange, commit: Commit): Promise<number>;
  /** Removes the rows of a namespace that expired at or before `now`; returns how many. */
  purgeExpired(namespace: string, now: number): Promise<number>;
  /** Says whether an error thrown by this adapter is about the data or about the state of the storage. */
  classify(error: unknown): StorageFailure;
  /** Whether nothing of the write that threw `error` was committed, for sure. Without it nobody can tell. */
  isUndone?(error: unknown): boolean;
  /** A short word for logs on where the data is: no credentials. */
  describe(): string;
  /**
   * A name that the data itself holds, the same wherever and however it is reached, known once it is open: a rescue journal of
   * another storage is not replayed into this one. Without it a journal belongs to whoever finds it.
   */
  readonly identity?: string | undefined;
  /** Where a rescue journal goes unless the app says so: a file path beside the data. Without it there is none. */
  readonly rescuePath?: string | undefined;
  /** Warnings about the configuration, logged at the start, one line each. They hold no credentials. */
  readonly warnings?: readonly string[];
}
