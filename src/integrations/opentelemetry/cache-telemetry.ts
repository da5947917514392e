import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { CacheError, CacheService } from '../../index.js';
import { measureFigures, watchOperations } from './instrument-cache.js';
import type { CacheTelemetryOptions } from './telemetry-options.js';

/** The options of the module. */
export const TELEMETRY_OPTIONS = Symbol('nestjs-durable-cache:telemetry-options');

/** The telemetry of one application, from before its cache is loaded until it stops. */
@Injectable()
export class CacheTelemetry implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  readonly #stops: (() => void)[];

  constructor(
    private readonly modules: ModuleRef,
    @Inject(TELEMETRY_OPTIONS) private readonly options: CacheTelemetryOptions,
  ) {
    // Providers without others to wait for come first: the database has not answered by then.
    this.#stops = [watchOperations(options)];
  }

  onModuleInit(): void {
    this.#measure();
  }

  /** Begins anew: another module may have registered an SDK in its `onModuleInit`. */
  onApplicationBootstrap(): void {
    const before = this.#stops.splice(0);
    this.#stops.push(watchOperations(this.options));
    this.#measure();
    for (const stop of before) stop();
  }

  /** Later than the hooks in which what is dirty is written. */
  onApplicationShutdown(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #measure(): void {
    const endMeasuring = measureFigures(this.#cache(), this.options);
    // The cache's own last hook, which comes after those here, may have something to count.
    this.#stops.push(() => endMeasuring(true));
  }

  /** Wherever it is: the module of the cache need not be global. */
  #cache(): CacheService {
    try {
      return this.modules.get(CacheService, { strict: false });
    } catch (cause) {
      // Nest calls no other hook of a start that fails.
      this.onApplicationShutdown();
      throw new CacheError(
        'MISSING_MODULE',
        'CacheTelemetryModule finds no cache. Import CacheModule.forRoot() in the application, too.',
        { cause },
      );
    }
  }
}
