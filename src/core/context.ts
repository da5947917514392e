import type { CacheLogger } from './cache-logger.js';
import type { Clock } from './clock.js';

/** What the engine needs from outside, besides a storage. */
export interface EngineContext {
  readonly clock: Clock;
  readonly logger: CacheLogger;
  /** Gives a number from 0 to below 1, like `Math.random`; used for jitter. */
  readonly random: () => number;
}
