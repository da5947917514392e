import { CacheError } from '../../index.js';

/** From when on trouble of the cache counts as down. `null` and `Infinity` for never. */
export interface CacheHealthOptions {
  /**
   * Milliseconds for which writes may have been failing, or the database may not have answered. Memory goes on answering meanwhile,
   * and what was not written is kept. Default 30 000: longer than a failover or a restart of a database takes as a rule.
   */
  readonly maxFailingMs?: number | null | undefined;
  /**
   * Milliseconds for which the oldest write may have been waiting for the database. What it refuses does not count. Default `null`:
   * how long an `ON_SHUTDOWN` entry waits in good order is up to `checkpointIntervalMs`, and a database that takes no writes is
   * seen by `maxFailingMs`. If it is given, take more than two checkpoints.
   */
  readonly maxUnwrittenMs?: number | null | undefined;
  /**
   * Milliseconds for which what other instances change may not have been seen. Default 30 000: reads of shared namespaces reject
   * after `staleWhileDownMs`, 60 000 unless set, and the traffic should be elsewhere by then.
   */
  readonly maxUnconfirmedMs?: number | null | undefined;
}

/** The options with their defaults; `Infinity` for never. */
export type ResolvedHealthOptions = { readonly [Option in keyof CacheHealthOptions]-?: number };

const DEFAULTS: ResolvedHealthOptions = {
  maxFailingMs: 30_000,
  maxUnwrittenMs: Infinity,
  maxUnconfirmedMs: 30_000,
};

/** Throws `INVALID_OPTION` for an option that is unknown or out of range. */
export function resolveHealthOptions(given: CacheHealthOptions): ResolvedHealthOptions {
  if (typeof given !== 'object' || given === null)
    throw invalid('options', 'takes options such as { maxFailingMs: 30_000 }.');
  for (const option of Object.keys(given)) {
    if (!(option in DEFAULTS))
      throw invalid(option, `has no option '${option}'. Known: ${Object.keys(DEFAULTS).join(', ')}.`);
  }
  return {
    maxFailingMs: msOf('maxFailingMs', given),
    maxUnwrittenMs: msOf('maxUnwrittenMs', given),
    maxUnconfirmedMs: msOf('maxUnconfirmedMs', given),
  };
}

function msOf(option: keyof CacheHealthOptions, given: CacheHealthOptions): number {
  const { [option]: ms = DEFAULTS[option] } = given;
  if (ms === null || ms === Infinity) return Infinity;
  if (Number.isSafeInteger(ms) && ms >= 0) return ms;
  throw invalid(option, `takes a whole number of milliseconds, or null for never, as '${option}'.`);
}

/** A refusal of what the indicator was asked with. */
export function invalid(option: string, what: string): CacheError {
  return new CacheError('INVALID_OPTION', `DurableCacheHealthIndicator ${what}`, { option });
}
