import { OptionCheck } from '../option-check.js';

/** For what the indicator is given. */
export const INDICATOR: OptionCheck = new OptionCheck('DurableCacheHealthIndicator');

/** From when on trouble of the cache counts as down. `null` and `Infinity` for never. */
export interface CacheHealthOptions {
  /**
   * Milliseconds for which writes may have been failing, or the database may not have answered. Memory goes on answering meanwhile,
   * and what was not written is kept. Default 30 000: longer than a failover or a restart of a database takes as a rule.
   */
  readonly maxFailingMs?: number | null | undefined;
  /**
   * Milliseconds for which the oldest write may have been waiting for the database. A namespace with entries that
   * it refuses does not count. Default `null`:
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
  INDICATOR.assertKnown(given, Object.keys(DEFAULTS), '{ maxFailingMs: 30_000 }');
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
  throw INDICATOR.refusal(option, `takes a whole number of milliseconds, or null for never, as '${option}'.`);
}
