import { CacheError } from '../cache-error.js';
import type { KeyRange } from '../keys/key-range.js';
import type { MemoryKey } from '../keys/key-space.js';
import type { EntryPages, Listing } from '../listing/entry-pages.js';
import type { FlushReport } from '../reports.js';
import type { ValueEncoder } from '../entries/value-encoder.js';
import type { Decide } from '../values/decision.js';
import type { StoredValue } from '../values/stored-value.js';

/** What a level has not written, and who waits for it. */
export interface LevelFigures {
  /** Writes accepted that the database does not have. */
  readonly dirty: number;
  /** Bytes of their encoded values. */
  readonly dirtyBytes: number;
  /** Calls that wait: for room, for the database to be read, or behind such a call. */
  readonly waiting: number;
  /** Bytes of the encoded values they hold. */
  readonly waitingBytes: number;
  /** How long the oldest dirty entry has been waiting, in ms. */
  readonly oldestUnwrittenMs: number;
  /** Entries that the database refuses, or whose `onConflict` fails, and that are kept. */
  readonly refused: number;
}

/** What `set` gives when the write took effect at its call: told by its identity, it needs no looking after. */
export const DONE: Promise<void> = Promise.resolve();

/**
 * The operations of a persistence level: when a write takes effect, and when it is acknowledged. Keys are admitted and
 * options checked before they come here; a call takes its place in the order of operations before it returns.
 */
export interface Level<V> {
  /** Makes of values what the level stores of them. */
  readonly values: ValueEncoder<V>;
  figures(): LevelFigures;
  /** What is known at once of a key that is not in memory. */
  recall(key: MemoryKey): V | undefined;
  /** What there is, for a key that is not in memory and that {@link recall} knows nothing of. */
  get(key: MemoryKey): Promise<V | undefined>;
  /** When the entry of such a key expires, in wall-clock ms: `null` for never, `undefined` where there is none. */
  expiresAt(key: MemoryKey): Promise<number | null | undefined>;
  /** What there is once its row was read anew. What is dirty is newer than the row. */
  refresh(key: MemoryKey): Promise<V | undefined>;
  /** May throw instead of rejecting with `INVALID_VALUE`. */
  set(key: MemoryKey, value: V, ttlMs: number | undefined): Promise<void>;
  /** Checks and encodes a value, and gives what stores it. Throws `INVALID_VALUE` where {@link set} would reject with it. */
  prepare(key: MemoryKey, value: V, ttlMs: number | undefined): () => Promise<void>;
  /**
   * Has `decide` decide on the entry, with no other write to the key in between. `held` is the value that the call holds
   * already while it waits.
   */
  modify<R>(key: MemoryKey, decide: Decide<V, R>, held?: StoredValue<V>): Promise<R>;
  delete(key: MemoryKey): Promise<boolean>;
  rename(from: MemoryKey, to: MemoryKey): Promise<boolean>;
  clear(): Promise<void>;
  /** Removes the entries whose keys lie in `range`; returns how many there were. */
  removeRange(range: KeyRange): Promise<number>;
  /** How many entries there are, in memory or not. */
  count(): Promise<number>;
  /** The entries there are, in memory or not. */
  pages(listing: Listing): EntryPages<V>;
  flush(): Promise<FlushReport>;
}

/** What a write after the stop rejects with. */
export function closedError(namespace: string): CacheError {
  return new CacheError(
    'CACHE_CLOSED',
    `Namespace '${namespace}': the cache has been stopped and takes no more writes.`,
    { namespace },
  );
}
