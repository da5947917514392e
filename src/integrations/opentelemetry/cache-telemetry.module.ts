import { Module, type DynamicModule } from '@nestjs/common';
import { CacheTelemetry, TELEMETRY_OPTIONS } from './cache-telemetry.js';
import { resolveTelemetryOptions, type CacheTelemetryOptions } from './telemetry-options.js';

/**
 * Telemetry of the cache for as long as the application runs: beside `CacheModule.forRoot()`, in the same module or another. Its spans
 * tell of the loads at the start, too.
 */
@Module({})
export class CacheTelemetryModule {
  /** Throws `INVALID_OPTION` at once for an option that is unknown or of the wrong type. */
  static forRoot(options: CacheTelemetryOptions = {}): DynamicModule {
    resolveTelemetryOptions(options);
    return {
      module: CacheTelemetryModule,
      providers: [CacheTelemetry, { provide: TELEMETRY_OPTIONS, useValue: options }],
    };
  }
}
