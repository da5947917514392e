import type { CacheLogger } from './cache-logger.js';
import type { Clock } from './clock.js';
import type { FailureLog } from './failure-log.js';

/** What the engine needs from outside, besides a storage. */
export interface EngineContext {
  readonly clock: Clock;
  readonly logger: CacheLogger;
  /** Gives a number from 0 to below 1, like `Math.random`; used for jitter. */
  readonly random: () => number;
  /** Where failures are remembered; the engine puts its own in here. */
  readonly failures?: FailureLog;
}
