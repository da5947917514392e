import { CacheError } from '../cache-error.js';
import type { MemoryKey } from '../keys/key-space.js';
import type { FlushReport, LoadReport } from '../reports.js';
import type { RescuedWrite } from '../rescue/rescue-journal.js';

/** Makes a new value of the current one; `undefined` where there is none. */
export type Updater<V> = (current: V | undefined) => V;

/**
 * The strategy of a persistence level: when a write takes effect, when it is acknowledged, and how it gets to the
 * database. Keys are admitted and options checked before they come here; a call takes its place in the order of
 * operations before it returns.
 */
export interface Persistence<V> {
  /** Writes accepted that the database does not have. */
  readonly dirty: number;
  /** Writes that wait for room. */
  readonly waiting: number;
  /** How long the oldest unwritten entry has been waiting, in ms. */
  readonly oldestUnwrittenMs: number;
  /** Entries that the database refuses and that still wait. */
  readonly refused: number;

  /** What is known at once of a key that is not in memory. */
  recall(key: MemoryKey): V | undefined;
  /** What there is, for a key that is not in memory and that {@link recall} knows nothing of. */
  get(key: MemoryKey): Promise<V | undefined>;
  /** Throws `INVALID_VALUE` for a value that {@link set} would refuse. */
  check(value: V): void;
  /** What {@link set} would make of a value: what readers, and a restart, would get. Throws as {@link check}. */
  asStored(value: V): V;
  set(key: MemoryKey, value: V, ttlMs: number | undefined): Promise<void>;
  update(key: MemoryKey, fn: Updater<V>, ttlMs: number | undefined): Promise<V>;
  delete(key: MemoryKey): Promise<boolean>;
  rename(from: MemoryKey, to: MemoryKey): Promise<boolean>;
  clear(): Promise<void>;

  flush(): Promise<FlushReport>;
  /** Reads rows into memory, as many as fit, never over what is newer. */
  load(): Promise<LoadReport>;
  /** Refuses writes from now on. */
  close(): void;
  /** The stop's time is over: nothing takes effect or is written any more, and what waits rejects. */
  end(): void;
  /** Resolves when every operation accepted before {@link close} has taken effect in memory. */
  settled(): Promise<void>;
  /** What was acknowledged and is not written, in the order in which it took effect. */
  unwritten(): RescuedWrite[];
}

/** What a write after the stop rejects with. */
export function closedError(namespace: string): CacheError {
  return new CacheError(
    'CACHE_CLOSED',
    `Namespace '${namespace}': the cache has been stopped and takes no more writes.`,
    {
      namespace,
    },
  );
}
