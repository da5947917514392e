import { codeOf } from '../driver-code.js';
import type { BackplaneStats } from './backplane-stats.js';
import type { CachePersistenceLevel } from './persistence-level.js';

/** The figures of one namespace. Counters start at 0 with the process. */
export interface NamespaceStats {
  readonly persistenceLevel: CachePersistenceLevel;
  /** Entries in memory. */
  readonly size: number;
  /** Most entries in memory (`maxEntries`). */
  readonly maxSize: number;
  /** Bytes of encoded values in memory; 0 where `maxBytes` is not set. */
  readonly bytes: number;
  /** Accepted writes that the database does not have yet: for `ON_CHANGE`, those waiting for their commit. */
  readonly dirty: number;
  /**
   * Bytes of the encoded values among what is dirty, for `ON_SHUTDOWN`, as `maxDirtyBytes` bounds them: two for each
   * character, the most that they take in memory.
   */
  readonly dirtyBytes: number;
  /**
   * Calls on an `ON_SHUTDOWN` namespace that wait: for room because `maxDirty` or `maxDirtyBytes` is reached, for the
   * database to say what they build on, or behind such a call on the same key.
   */
  readonly waiting: number;
  /** Bytes of the encoded values that those calls hold, counted alike. */
  readonly waitingBytes: number;
  /**
   * Keys that `get`, `getIfPresent`, `getMany`, `getOrLoad` and `has` found in memory. Writes that answer with a value
   * (`update`, `increment`, `take`) and `ttl` and `refresh` count as neither hits nor misses.
   */
  readonly hits: number;
  /** Keys that those did not find there, whatever the database said then. */
  readonly misses: number;
  /** hits / (hits + misses); 0 before the first read. */
  readonly hitRate: number;
  /** Calls of `set`, entries of `setMany`, and values that `getOrLoad` stored. Counted at the call, as the next two are. */
  readonly sets: number;
  /** Calls of `update`, `setIfAbsent`, `increment` and `touch`, whatever they find. */
  readonly updates: number;
  /** Calls of `delete` and `take`, and keys of `deleteMany`, whether there is an entry or not. */
  readonly deletes: number;
  /** Entries that left memory to make room. Nothing persisted is lost by it. */
  readonly evictions: number;
  /** Loaders run by `getOrLoad`. */
  readonly loaderCalls: number;
  /** Keys asked of the database: by reads, `refresh` included, and for what writes build on. */
  readonly storageReads: number;
  /** Entries (puts and deletes) committed to the database. */
  readonly written: number;
  /** Calls of writing methods that rejected because of the database: `WRITE_FAILED`, `READ_FAILED`, `ENTRY_REFUSED`. */
  readonly rejected: number;
  /** Attempts to write to the database that failed. */
  readonly writeFailures: number;
  /** Attempts made again after one that failed. */
  readonly retries: number;
  /** How long the oldest unwritten entry has been waiting, in ms; 0 when nothing is unwritten. */
  readonly oldestUnwrittenMs: number;
  /** The last failure to write: the driver's code, and when (wall-clock ms). `undefined` when there was none. */
  readonly lastWriteError: WriteErrorStats | undefined;
  /** Entries that the database refuses, or whose `onConflict` fails, and that still wait in memory. */
  readonly refused: number;
  /**
   * Entries of an `ON_SHUTDOWN` namespace that were dirty here when another process had written their row: `onConflict` has
   * decided on them, or has failed to.
   */
  readonly conflicts: number;
  /** Rows that do not decode. */
  readonly unreadable: number;
  /**
   * Reads that memory has answered while the database could not be asked what other instances have changed: for
   * `staleWhileDownMs` at most.
   */
  readonly unconfirmed: number;
  /**
   * The figures of the backplane, the same in each shared namespace of an application; `undefined` where instances work
   * without one, or alone.
   */
  readonly backplane: BackplaneStats | undefined;
}

/** A declared namespace and its figures, for who shows or exports them all. */
export interface NamespaceSummary {
  readonly name: string;
  readonly persistenceLevel: CachePersistenceLevel;
  readonly stats: NamespaceStats;
}

export interface WriteErrorStats {
  /** The driver's own code, such as `SQLITE_BUSY`, where it gave one. */
  readonly code: string | undefined;
  readonly at: number;
}

/** The counters behind {@link NamespaceStats}; each is raised where its event happens. */
export class NamespaceCounters {
  hits = 0;
  misses = 0;
  sets = 0;
  updates = 0;
  deletes = 0;
  evictions = 0;
  loaderCalls = 0;
  storageReads = 0;
  written = 0;
  rejected = 0;
  writeFailures = 0;
  retries = 0;
  lastWriteError: WriteErrorStats | undefined;
  unreadable = 0;
  conflicts = 0;
  unconfirmed = 0;

  writeFailed(error: unknown, now: number): void {
    this.writeFailures += 1;
    this.lastWriteError = { code: codeOf(error), at: now };
  }
}
