import { CacheError } from '../cache-error.js';
import type { Backplane } from '../sharing/backplane.js';
import type { InstanceMode } from '../sharing/shared-storage.js';
import { isPositiveInteger, MAX_TIMER_MS, refuseUnknown } from '../option-checks.js';

/** How the engine writes and stops. */
export interface EngineOptions {
  /**
   * Milliseconds between two checkpoints, at which `ON_SHUTDOWN` namespaces write what is dirty: what a crash can lose.
   * `false` for none: then they write when dirty entries are evicted or grow many, on `flush()`, and at the stop.
   * Default 30 000.
   */
  readonly checkpointIntervalMs?: number | false | undefined;
  /**
   * Milliseconds the stop may take, from the first shutdown hook of the application to the cache's last one, hooks of other
   * modules included; what could not be written by then goes to the rescue journal. The last quarter of it, 1500 ms at most,
   * is for the final flush: where Nest has not come to the cache's last hook by then, the cache stops by itself. Default
   * 8000, which is below the grace of 10 s that Docker gives.
   */
  readonly shutdownTimeoutMs?: number | undefined;
  /**
   * Milliseconds from its call for which an `ON_CHANGE` write is tried again while the database can't take it (locked,
   * restarting), or waits behind others. Then it rejects with `WRITE_FAILED`. An attempt under way is waited for: it is bounded
   * by the database's own time-outs. Default 10 000.
   */
  readonly writeTimeoutMs?: number | undefined;
  /** Most dirty entries of all `ON_SHUTDOWN` namespaces together; over it, writes wait for the flush. Default 100 000. */
  readonly maxDirty?: number | undefined;
  /**
   * Most bytes of encoded values that are dirty in all `ON_SHUTDOWN` namespaces together, two for each character, which is the
   * most that they take in memory; at it, writes wait for the flush, so that it is passed by one value at most. Default 64 MiB.
   */
  readonly maxDirtyBytes?: number | undefined;
  /**
   * How many processes work on the database at a time. `'many'`: any number of them, which tell each other what they change.
   * `'one'`: this one alone, which spares it that. Default `'many'` on PostgreSQL, MySQL and MariaDB, and on an adapter that
   * implements `SharedStorage` and does not say otherwise; else `'one'`.
   */
  readonly instances?: InstanceMode | undefined;
  /**
   * Where several instances share the database: for how long after its last look at their logs memory answers, ms. What another
   * one has committed longer ago than that is seen, or memory does not answer. Default 2000.
   */
  readonly maxStaleMs?: number | undefined;
  /**
   * What carries messages between instances, so that they see at once what another one has changed; `false` for nothing. Default
   * {@link postgresBackplane} on PostgreSQL, else nothing.
   */
  readonly backplane?: Backplane | false | undefined;
  /**
   * Milliseconds between two such looks, while the application uses a shared namespace. Default 500 with a backplane, 100 without,
   * 20 on SQLite.
   */
  readonly pollMs?: number | undefined;
  /**
   * For how long memory answers all the same while the database can't be reached, ms; 0 for never. Then reads reject with
   * `READ_FAILED`. Default 60 000.
   */
  readonly staleWhileDownMs?: number | undefined;
}

/** The options with every default filled in, but for those that depend on the storage. */
export type ResolvedEngineOptions = {
  readonly [Option in Exclude<keyof EngineOptions, 'backplane' | 'pollMs'>]-?: NonNullable<
    EngineOptions[Option]
  >;
} & { readonly backplane: Backplane | false | undefined; readonly pollMs: number | undefined };

export const ENGINE_OPTIONS = [
  'checkpointIntervalMs',
  'shutdownTimeoutMs',
  'writeTimeoutMs',
  'maxDirty',
  'maxDirtyBytes',
  'instances',
  'backplane',
  'maxStaleMs',
  'pollMs',
  'staleWhileDownMs',
] as const;

/** Every option with its default filled in. Throws `INVALID_OPTION` for one that is unknown or out of range. */
export function resolveEngineOptions(given: EngineOptions): ResolvedEngineOptions {
  refuseUnknown(given, ENGINE_OPTIONS, 'Cache options');
  const options: ResolvedEngineOptions = {
    checkpointIntervalMs: given.checkpointIntervalMs ?? 30_000,
    shutdownTimeoutMs: given.shutdownTimeoutMs ?? 8000,
    writeTimeoutMs: given.writeTimeoutMs ?? 10_000,
    maxDirty: given.maxDirty ?? 100_000,
    maxDirtyBytes: given.maxDirtyBytes ?? 64 * 2 ** 20,
    maxStaleMs: given.maxStaleMs ?? 2000,
    pollMs: given.pollMs,
    backplane: given.backplane,
    staleWhileDownMs: given.staleWhileDownMs ?? 60_000,
    instances: given.instances ?? 'one',
  };
  if (options.instances !== 'one' && options.instances !== 'many')
    throw invalid('instances', "must be 'one' or 'many'");
  if (options.checkpointIntervalMs !== false)
    assertMs('checkpointIntervalMs', options.checkpointIntervalMs, ', or false');
  assertMs('shutdownTimeoutMs', options.shutdownTimeoutMs, '');
  assertMs('writeTimeoutMs', options.writeTimeoutMs, '');
  assertMs('maxStaleMs', options.maxStaleMs, '');
  if (options.pollMs !== undefined) assertMs('pollMs', options.pollMs, '');
  if (options.backplane !== undefined && options.backplane !== false) {
    assertBackplane(options.backplane);
    if (options.instances === 'one')
      throw invalid(
        'backplane',
        "carries changes to other instances, and 'instances' is 'one': set that to 'many', or leave the backplane out",
      );
  }
  if (options.staleWhileDownMs !== 0) assertMs('staleWhileDownMs', options.staleWhileDownMs, ', or 0');
  for (const option of ['maxDirty', 'maxDirtyBytes'] as const)
    if (!isPositiveInteger(options[option])) throw invalid(option, 'must be a whole number above 0');
  return Object.freeze(options);
}

const BACKPLANE_METHODS: readonly (keyof Backplane)[] = ['describe', 'open', 'publish', 'reconnect', 'close'];

function assertBackplane(backplane: unknown): void {
  const methods = Object(backplane) as Partial<Record<string, unknown>>;
  if (BACKPLANE_METHODS.every((name) => typeof methods[name] === 'function')) return;
  throw invalid(
    'backplane',
    'must be what postgresBackplane() or redisBackplane() gives, a Backplane of your own, or false',
  );
}

function assertMs(option: string, value: number, or: string): void {
  if (!isPositiveInteger(value) || value > MAX_TIMER_MS) {
    throw invalid(option, `must be a whole number of milliseconds from 1 to ${MAX_TIMER_MS}${or}`);
  }
}

function invalid(option: string, remedy: string): CacheError {
  return new CacheError('INVALID_OPTION', `Cache options: '${option}' ${remedy}.`, { option });
}
