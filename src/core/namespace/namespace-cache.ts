import type { KeyPrefix } from '../keys/key-prefix.js';
import type { FlushReport } from '../reports.js';
import type { Immutable } from '../values/immutable.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { NamespaceStats } from '../definition/namespace-stats.js';

/** How a value is read. */
export interface ReadOptions {
  /**
   * Whether what other instances have committed before this call must show in the value: then the database is asked first, and the
   * read rejects with `READ_FAILED` where it can't be. Default false: within `maxStaleMs`.
   */
  readonly fresh?: boolean | undefined;
}

/** How long a written entry lives. */
export interface WriteOptions {
  /**
   * Milliseconds until the entry expires; `null` or `Infinity` for never. Default: the namespace's `ttlMs`; `update` keeps
   * the expiry there is.
   */
  readonly ttlMs?: number | null | undefined;
}

/** How long an entry lives from now on. */
export interface TouchOptions {
  /** Milliseconds until the entry expires; `null` or `Infinity` for never. */
  readonly ttlMs: number | null;
}

/** How long a loaded entry lives, and how long its loader may take. */
export interface LoadOptions extends WriteOptions {
  /**
   * Milliseconds from the call, at most 2 147 483 647, after which the load is given up: everyone who waits for it
   * rejects with `LOAD_TIMED_OUT`, the next caller starts a new one, and what the loader gives after that is not stored.
   * Where callers give different times, the first that is over counts. It covers the read from the database and the
   * loader, not the write of what was loaded. Default, and with `null` or `Infinity`: never, so a loader that never settles
   * keeps its callers waiting.
   */
  readonly timeoutMs?: number | null | undefined;
}

/** Which entries a scan gives. */
export interface ScanOptions<K> {
  /**
   * What keys begin with: the first elements of a tuple (`[12]` for every `[12, …]`; a whole tuple is that key alone) or
   * any beginning of a string. Default, and where it is empty: every key. Other keys have no prefix.
   */
  readonly prefix?: KeyPrefix<K> | undefined;
  /** Whether the last key comes first. Default false. */
  readonly reverse?: boolean | undefined;
  /** Most entries. Default: all of them. */
  readonly limit?: number | undefined;
}

/** A namespace that any number can be put into: a sum need not be one of a few, nor carry a brand. */
type Incrementable<K, V> = number extends V
  ? NamespaceCache<K, number>
  : 'increment() needs values of type number';

/**
 * A namespace in use: Map-like, and the same on every persistence level. What differs by level is when a write is
 * acknowledged, that is, when its promise resolves.
 *
 * Values of persisted namespaces are snapshots of what was set: frozen, and typed `R` = `Immutable<V>`; with `values: 'copied'`
 * a copy for each reader, typed `R` = `V`, and an updater may change the one that it is given. Every method that takes a key rejects with
 * `INVALID_KEY` for one that the key codec refuses, and every method that takes options with `INVALID_OPTION` for what is no
 * object, unknown or out of range; reads reject with `READ_FAILED` when the database can't be asked
 * and with `UNREADABLE_ENTRY` when the stored row does not decode, as do all writes but `set` and `delete`, which replace
 * it; writes reject with `WRITE_FAILED` or `ENTRY_REFUSED` when `ON_CHANGE` can't commit them, and with `CACHE_CLOSED` after
 * the stop.
 *
 * A write that nobody awaits does not end the process when it rejects: the cache logs what was rejected, once per outage, or
 * per namespace and code where the call was at fault.
 */
export interface NamespaceCache<K, V, R = Immutable<V>> {
  readonly definition: NamespaceDefinition<K, V>;

  /** The value of `key`: from memory, else from the database (misses of one tick share one query). */
  get(key: K, options?: ReadOptions): Promise<R | undefined>;
  /** The value of `key` if it is in memory; never asks the database. Counts, and refreshes recency. Throws instead of rejecting. */
  getIfPresent(key: K): R | undefined;
  /**
   * The value of `key`; where there is none, what `loader` gives, stored as by `set`. One loader per key runs at a
   * time and its callers share the outcome. A write to the key that comes while it runs wins over what it gives.
   * Rejects with what the loader throws, with `INVALID_VALUE` when it gives `undefined` or what the codec refuses, and
   * with `LOAD_TIMED_OUT` after `timeoutMs`. The loaded value is returned even when it could not be stored, or a write
   * came first; it always is what a restart would give (except on `MEMORY_ONLY`, which keeps the loader's very object).
   */
  getOrLoad(
    key: K,
    loader: (key: K) => Immutable<V> | Promise<Immutable<V>>,
    options?: LoadOptions,
  ): Promise<R>;
  /** The values of `keys`, in their order. */
  getMany(keys: Iterable<K>): Promise<(R | undefined)[]>;
  /** Whether there is a value; reads like {@link get}. */
  has(key: K): Promise<boolean>;
  /**
   * Milliseconds until the entry expires, `null` where it never does, `undefined` where there is none. Leaves recency and
   * the figures of hits alone.
   */
  ttl(key: K): Promise<number | null | undefined>;
  /**
   * Reads the row of `key` anew, whatever memory holds, and gives what there is now. For rows that something else than this
   * application has written. What is dirty here is newer than the row, and stays. `MEMORY_ONLY` has no rows: it gives what
   * is in memory.
   */
  refresh(key: K): Promise<R | undefined>;

  /** Stores a value. Rejects with `INVALID_VALUE` for one that its codec could not bring back as it was. */
  set(key: K, value: Immutable<V>, options?: WriteOptions): Promise<void>;
  /** Stores entries, all checked before the first is stored. Each is a write of its own. */
  setMany(entries: Iterable<readonly [K, Immutable<V>]>, options?: WriteOptions): Promise<void>;
  /**
   * Replaces the value of `key` by what `fn` makes of it, with no other write to the key in between; gives the new
   * value. `fn` is called synchronously, with `undefined` where there is no value, and must have no side effects: it may
   * run again when its first result could not be committed. Its effect is stored once. If it throws, gives `undefined` or
   * a promise, only this call rejects. Keeps the entry's expiry unless `ttlMs` renews it.
   */
  update(key: K, fn: (current: R | undefined) => Immutable<V>, options?: WriteOptions): Promise<R>;
  /**
   * Stores a value where there is none; returns whether it did. Where there is one, that and its expiry stay as they are.
   * Of callers at the same time one alone gets `true`.
   */
  setIfAbsent(key: K, value: Immutable<V>, options?: WriteOptions): Promise<boolean>;
  /**
   * Adds `by` to a number and gives the sum. Absent counts as 0, and then the namespace's `ttlMs` applies; otherwise the
   * expiry stays. Only for namespaces of numbers. Default 1. Rejects with `INVALID_VALUE` for a stored value or a `by` that is
   * no finite number, and for a sum beyond ±(2⁵³ − 1).
   */
  increment(this: Incrementable<K, V>, key: K, by?: number): Promise<number>;
  /** Gives the value and removes the entry, so that of callers at the same time one alone gets it; `undefined` for the others. */
  take(key: K): Promise<R | undefined>;
  /** Gives an entry another expiry, counted from the call; returns whether there was one. */
  touch(key: K, options: TouchOptions): Promise<boolean>;
  /** Removes an entry; returns whether there was one. */
  delete(key: K): Promise<boolean>;
  /** Removes entries; returns how many there were. */
  deleteMany(keys: Iterable<K>): Promise<number>;
  /** Moves the entry of `from` to `to`, over what is there, in one transaction; returns whether there was one. */
  rename(from: K, to: K): Promise<boolean>;
  /** Removes every entry of the namespace, in memory and in the database. */
  clear(): Promise<void>;
  /**
   * Removes every entry whose key begins with `prefix`, in memory and in the database, in one operation; gives how many
   * there were. A prefix is that of {@link ScanOptions}. It is a write like {@link clear}: on `ON_CHANGE` it resolves when
   * it has committed, on `ON_SHUTDOWN` it takes effect in memory, and a flush writes it before anything later. To give the
   * number it asks the database to count, on `ON_SHUTDOWN` only where memory does not hold every entry: then it rejects
   * with `READ_FAILED` when that can't be done, and changes nothing. Rejects with `INVALID_KEY` for a prefix of the wrong type.
   */
  deletePrefix(prefix: KeyPrefix<K>): Promise<number>;

  /**
   * How many entries there are, in memory or not, written or not; rows that do not decode count, too. Exact while nothing is
   * written. It asks the database to count the namespace's rows; on `ON_SHUTDOWN`, while memory does not hold every entry,
   * for the rows of dirty keys besides. Rejects as reads do.
   */
  count(): Promise<number>;
  /**
   * Every entry, in memory or not, written or not, page by page: in the byte order of the stored keys (numbers as text: 10
   * comes before 2). A key that is there throughout comes exactly once, with a value that it had meanwhile; one that is
   * written or deleted meanwhile may come or not. Rows that do not decode are left out, and counted in the stats. Nothing is
   * put into memory, and recency stays. Throws, at the call, `INVALID_KEY` for a prefix of the wrong type and
   * `INVALID_OPTION`; the iteration rejects as reads do, and is over then.
   */
  scan(options?: ScanOptions<K>): AsyncIterableIterator<[K, R]>;
  /** As {@link scan} without options: `for await (const [key, value] of namespace)`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<[K, R]>;

  /** In memory: the number of entries there. {@link count} has all of them. */
  readonly size: number;
  /** In memory: the keys there, most recently used first. {@link scan} has all of them. */
  keys(): IterableIterator<K>;
  /** In memory: the values there, most recently used first. */
  values(): IterableIterator<R>;
  /** In memory: the entries there, most recently used first. */
  entries(): IterableIterator<[K, R]>;
  /** In memory: as {@link entries}. */
  [Symbol.iterator](): IterableIterator<[K, R]>;

  /** Tries to write everything that is dirty now. Resolves also when some of it failed: the report says so, and it is kept. */
  flush(): Promise<FlushReport>;
  stats(): NamespaceStats;
}
