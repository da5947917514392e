import type { CacheLogger } from './cache-logger.js';
import type { Clock } from './clock.js';

/** What the engine needs of the world besides a storage. */
export interface EngineContext {
  readonly clock: Clock;
  readonly logger: CacheLogger;
  /** A number from 0 up to 1, as `Math.random`: for jitter. */
  readonly random: () => number;
}
