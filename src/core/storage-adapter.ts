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

/** What one transaction does to one namespace. No key is in both lists, or twice in one. */
export interface NamespaceWrite {
  readonly namespace: string;
  readonly puts: readonly StoredEntry[];
  readonly deletes: readonly string[];
}

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
  readonly rows: readonly StoredEntry[];
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

/**
 * The storage port: what the engine needs of a database. Bulk first; a single entry is a bulk of one.
 *
 * The engine has one `write`, `clear` or `clearRange` under way at a time. `load`, `read` and `count` may overlap a `write`, and must then
 * see all of it or nothing. Keys compare by exact bytes.
 */
export interface CacheStorageAdapter {
  /** Connects, and prepares the schema. Called once, before anything else. */
  open(): Promise<void>;
  /** Releases the connection. Called once, after the last write. */
  close(): Promise<void>;
  /** The number of rows of a namespace, or of those whose keys lie in `range`, that have not expired at `now`. */
  count(namespace: string, now: number, range?: KeyRange): Promise<number>;
  /** One page of a namespace, in order of key. */
  load(namespace: string, page: LoadPage): Promise<LoadedPage>;
  /** The rows there are of `keys`, in any order, expired ones included. */
  read(namespace: string, keys: readonly string[]): Promise<readonly StoredEntry[]>;
  /** When each row there is of `keys` was last written, wall-clock ms. */
  writtenAt(namespace: string, keys: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /**
   * Applies all of `batch` in one transaction, as written at `now` (wall-clock ms): resolves when it has committed,
   * rejects when nothing of it has. It must settle in a time of its own: the callers of its writes wait for it, and the
   * process with them.
   */
  write(batch: readonly NamespaceWrite[], now: number): Promise<void>;
  /** Removes every row of a namespace in one transaction. */
  clear(namespace: string): Promise<void>;
  /** Removes every row of a namespace whose key lies in `range`, in one transaction. */
  clearRange(namespace: string, range: KeyRange): Promise<void>;
  /** Removes the rows of a namespace that expired at or before `now`; returns how many. */
  purgeExpired(namespace: string, now: number): Promise<number>;
  /** Says whether an error thrown by this adapter is about the data or about the state of the storage. */
  classify(error: unknown): StorageFailure;
  /** A short word for logs on where the data is: no credentials. */
  describe(): string;
  /** Where a rescue journal goes unless the app says so: a file path beside the data. Without it there is none. */
  readonly rescuePath?: string | undefined;
  /** Warnings about the configuration, logged at the start, one line each. They hold no credentials. */
  readonly warnings?: readonly string[];
}
