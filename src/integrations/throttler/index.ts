export { DurableThrottlerStorage } from './durable-throttler-storage.js';
export type { ThrottlerStorageOptions } from './storage-options.js';
export { throttlerNamespace, type ThrottlerNamespaceOptions } from './throttler-namespace.js';
export type { HitRecord } from './hit-record.js';
