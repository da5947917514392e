export { DurableCacheHealthIndicator, type CacheHealthDetails } from './durable-cache-health-indicator.js';
export type { CacheHealthOptions } from './cache-health-options.js';
