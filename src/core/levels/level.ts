import { CacheError } from '../cache-error.js';
import type { MemoryKey } from '../keys/key-space.js';
import type { FlushReport } from '../reports.js';
import type { Updater } from '../values/value-codec.js';

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
  /** Entries that the database refuses and that are kept. */
  readonly refused: number;
}

/**
 * The operations of a persistence level: when a write takes effect, and when it is acknowledged. Keys are admitted and
 * options checked before they come here; a call takes its place in the order of operations before it returns.
 */
export interface Level<V> {
  figures(): LevelFigures;
  /** What is known at once of a key that is not in memory. */
  recall(key: MemoryKey): V | undefined;
  /** What there is, for a key that is not in memory and that {@link recall} knows nothing of. */
  get(key: MemoryKey): Promise<V | undefined>;
  /** What {@link set} would make of a value: what readers, and a restart, would get. Throws `INVALID_VALUE` as that. */
  asStored(value: V): V;
  /** Gives each of several readers of a value, which is of this level and nobody has yet, what is theirs to have. */
  copies(value: V): () => V;
  set(key: MemoryKey, value: V, ttlMs: number | undefined): Promise<void>;
  /** Checks and encodes a value, and gives what stores it. Throws `INVALID_VALUE` where {@link set} would reject with it. */
  prepare(key: MemoryKey, value: V, ttlMs: number | undefined): () => Promise<void>;
  update(key: MemoryKey, fn: Updater<V>, ttlMs: number | undefined): Promise<V>;
  delete(key: MemoryKey): Promise<boolean>;
  rename(from: MemoryKey, to: MemoryKey): Promise<boolean>;
  clear(): Promise<void>;
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
