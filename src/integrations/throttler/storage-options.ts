import type { Clock } from '../../index.js';
import { OptionCheck } from '../option-check.js';

/** For what the storage is given. */
export const STORAGE: OptionCheck = new OptionCheck('DurableThrottlerStorage');

/** How a `DurableThrottlerStorage` counts. */
export interface ThrottlerStorageOptions {
  /**
   * What becomes of a hit that can't be written within `writeTimeoutMs`, because the database is away or too busy. `'reject'`: the
   * guard fails, and the request with status 500. `'allow'`: each instance counts for itself, in memory, with the same limits; only the
   * first hits wait, and what was counted so is written when the database is back. Whoever is blocked, as this instance knows, is refused
   * either way. Default `'reject'`. On `MEMORY_ONLY` and `ON_SHUTDOWN` counting does not need the database.
   */
  readonly whenUnavailable?: 'reject' | 'allow' | undefined;
  /** Tells the time, as the cache's own `clock` in tests. Default: the machine's. */
  readonly clock?: Pick<Clock, 'now'> | undefined;
}

/** The options with their defaults. */
export interface ResolvedStorageOptions {
  readonly whenUnavailable: 'reject' | 'allow';
  readonly clock: Pick<Clock, 'now'>;
}

const OPTIONS = ['whenUnavailable', 'clock'];
const MACHINE: Pick<Clock, 'now'> = { now: () => Date.now() };

/** Throws `INVALID_OPTION` for an option that is unknown or out of range. */
export function resolveStorageOptions(given: ThrottlerStorageOptions): ResolvedStorageOptions {
  STORAGE.assertKnown(given, OPTIONS, "{ whenUnavailable: 'allow' }");
  const { whenUnavailable = 'reject', clock = MACHINE } = given;
  if (whenUnavailable !== 'reject' && whenUnavailable !== 'allow')
    throw STORAGE.refusal('whenUnavailable', "takes 'reject' or 'allow' as 'whenUnavailable'.");
  if (typeof clock?.now !== 'function')
    throw STORAGE.refusal('clock', "takes a clock with a method now(), such as a TestClock, as 'clock'.");
  return Object.freeze({ whenUnavailable, clock });
}
