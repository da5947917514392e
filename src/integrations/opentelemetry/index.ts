export { CacheTelemetryModule } from './cache-telemetry.module.js';
export { instrumentCache } from './instrument-cache.js';
export type { CacheTelemetryOptions } from './telemetry-options.js';
