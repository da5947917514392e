import { CacheError } from '../cache-error.js';
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
   * Milliseconds the stop may take to write what is unwritten; what could not be written by then is named in the log.
   * Default 10 000.
   */
  readonly shutdownTimeoutMs?: number | undefined;
  /**
   * Milliseconds for which the commit of an `ON_CHANGE` write is tried again while the database can't take it (locked,
   * restarting), counted from the call. Then the write rejects with `WRITE_FAILED`. Default 10 000.
   */
  readonly writeTimeoutMs?: number | undefined;
  /** Most unwritten entries of all `ON_SHUTDOWN` namespaces together; over it, writes wait for the flush. Default 100 000. */
  readonly maxDirty?: number | undefined;
}

/** The options with every default filled in. */
export type ResolvedEngineOptions = {
  readonly [Option in keyof EngineOptions]-?: NonNullable<EngineOptions[Option]>;
};

export const ENGINE_OPTIONS = [
  'checkpointIntervalMs',
  'shutdownTimeoutMs',
  'writeTimeoutMs',
  'maxDirty',
] as const;

/** Every option with its default filled in. Throws `INVALID_OPTION` for one that is unknown or out of range. */
export function resolveEngineOptions(given: EngineOptions): ResolvedEngineOptions {
  refuseUnknown(given, ENGINE_OPTIONS, 'Cache options');
  const options: ResolvedEngineOptions = {
    checkpointIntervalMs: given.checkpointIntervalMs ?? 30_000,
    shutdownTimeoutMs: given.shutdownTimeoutMs ?? 10_000,
    writeTimeoutMs: given.writeTimeoutMs ?? 10_000,
    maxDirty: given.maxDirty ?? 100_000,
  };
  if (options.checkpointIntervalMs !== false)
    assertMs('checkpointIntervalMs', options.checkpointIntervalMs, ', or false');
  assertMs('shutdownTimeoutMs', options.shutdownTimeoutMs, '');
  assertMs('writeTimeoutMs', options.writeTimeoutMs, '');
  if (!isPositiveInteger(options.maxDirty)) throw invalid('maxDirty', 'must be a whole number above 0');
  return Object.freeze(options);
}

function assertMs(option: string, value: number, or: string): void {
  if (!isPositiveInteger(value) || value > MAX_TIMER_MS) {
    throw invalid(option, `must be a whole number of milliseconds from 1 to ${MAX_TIMER_MS}${or}`);
  }
}

function invalid(option: string, remedy: string): CacheError {
  return new CacheError('INVALID_OPTION', `Cache options: '${option}' ${remedy}.`, { option });
}
