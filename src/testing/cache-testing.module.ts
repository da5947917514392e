import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import {
  CACHE_OPTIONS,
  CacheError,
  CacheService,
  InMemoryStorage,
  type CacheModuleOptions,
  type CacheStorageAdapter,
} from '../index.js';
import { isCacheStorage } from '../core/adapter-check.js';
import { cacheRoot } from '../nest/cache.module.js';
import { resolveCacheOptions, type ResolvedCacheOptions } from '../nest/cache-module-options.js';
import { bareServiceProvider, createEngine } from '../nest/cache.providers.js';
import { CACHE_ENGINE, RESOLVED_OPTIONS } from '../nest/cache.tokens.js';
import { CacheTesting } from './cache-testing.js';
import { FaultyStorage } from './faulty-storage.js';
import { restartable, type RestartableEngine } from './restartable-engine.js';
import { TestClock } from './test-clock.js';

/** The options of `CacheModule.forRoot()`, but for where the cache stores and what time it has. */
export interface CacheTestingOptions extends Omit<CacheModuleOptions, 'storage' | 'clock'> {
  /** What holds the rows. Default a new `InMemoryStorage` for each testing module. */
  readonly storage?: CacheStorageAdapter | undefined;
  /** Default a new `TestClock` for each testing module. */
  readonly clock?: TestClock | undefined;
}

/**
 * The cache for tests, in the place of `CacheModule`: it stores in memory, its time is the test's, its storage fails when told
 * to, and it can be restarted. `module.get(CacheTesting)` gives the clock, the storage and `restart()`. Imported without
 * `forRoot()`, it fails the start with `MISSING_MODULE`; beside a `CacheModule.forRoot()`, with `DUPLICATE_MODULE`.
 */
@Module({ providers: [bareServiceProvider(importedBareError)], exports: [CacheService] })
export class CacheTestingModule {
  /** Throws `INVALID_OPTION` at once for an option that is unknown or out of range. */
  static forRoot(options: CacheTestingOptions = {}): DynamicModule {
    resolveCacheOptions(options);
    const { storage: inner, clock: given } = options;
    if (inner !== undefined && !isCacheStorage(inner))
      throw invalid('storage', 'an object that implements CacheStorageAdapter');
    if (given !== undefined && !(given instanceof TestClock)) throw invalid('clock', 'a TestClock');
    const provider: FactoryProvider<CacheModuleOptions> = {
      provide: CACHE_OPTIONS,
      // For each testing module anew: no test finds what another one stored.
      useFactory: () => {
        const clock = given ?? new TestClock();
        return { ...options, clock, storage: new FaultyStorage(inner ?? new InMemoryStorage(), clock) };
      },
    };
    const cache = cacheRoot({
      ...options,
      providers: [provider],
      createEngine: (resolved) => restartable(() => createEngine(resolved), resolved.clock as TestClock),
    });
    return {
      ...cache,
      module: CacheTestingModule,
      global: true,
      providers: [...cache.providers, cacheTestingProvider],
      exports: [...cache.exports, CacheTesting],
    };
  }
}

const cacheTestingProvider: FactoryProvider<CacheTesting> = {
  provide: CacheTesting,
  inject: [RESOLVED_OPTIONS, CACHE_ENGINE],
  useFactory: ({ clock, storage }: ResolvedCacheOptions, engine: RestartableEngine) =>
    new CacheTesting(clock as TestClock, storage as FaultyStorage, engine),
};

function importedBareError(): CacheError {
  return new CacheError(
    'MISSING_MODULE',
    'CacheTestingModule is imported without its method: write CacheTestingModule.forRoot().',
  );
}

function invalid(option: string, what: string): CacheError {
  return new CacheError('INVALID_OPTION', `CacheTestingModule: '${option}' must be ${what}.`, { option });
}
