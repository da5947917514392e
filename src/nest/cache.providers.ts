import { Logger, type FactoryProvider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { DataSource, DataSourceOptions } from 'typeorm';
import { systemClock } from '../core/clock.js';
import { CacheEngine } from '../core/engine/cache-engine.js';
import type { EngineContext } from '../core/context.js';
import type { NamespaceCache } from '../core/namespace/namespace-cache.js';
import type { NamespaceDefinition } from '../core/definition/namespace-definition.js';
import type { RescueJournal } from '../core/rescue/rescue-journal.js';
import type { CacheStorageAdapter } from '../core/storage-adapter.js';
import { RescueFile } from '../storage/rescue-file.js';
import { TypeOrmStorage } from '../storage/typeorm-storage.js';
import { CacheLifecycle } from './cache.lifecycle.js';
import { resolveCacheOptions, type ResolvedCacheOptions } from './cache-module-options.js';
import { CacheService } from './cache.service.js';
import { CACHE_ENGINE, CACHE_OPTIONS, getNamespaceToken, RESOLVED_OPTIONS } from './cache.tokens.js';
import { assertImportedWell, placeAtTheEdges } from './module-order.js';

/** The one place where the parts are put together. */
export const cacheEngineProvider: FactoryProvider<CacheEngine> = {
  provide: CACHE_ENGINE,
  inject: [RESOLVED_OPTIONS, ModulesContainer],
  useFactory: (options: ResolvedCacheOptions, modules: ModulesContainer): CacheEngine => {
    assertImportedWell(modules);
    placeAtTheEdges(modules);
    const context: EngineContext = { clock: systemClock, logger: new Logger('Cache'), random: Math.random };
    const engine = new CacheEngine(
      () => createStorage(options),
      options.engine,
      options.overrides,
      context,
      (storage) => createJournal(options, storage),
    );
    engine.start();
    return engine;
  },
};

export const resolvedOptionsProvider: FactoryProvider<ResolvedCacheOptions> = {
  provide: RESOLVED_OPTIONS,
  inject: [CACHE_OPTIONS],
  useFactory: resolveCacheOptions,
};

/**
 * The service, once the rows of the namespaces that the module declares are loaded. The storage is opened for them here, and
 * for others where they are injected: a test that puts a service of its own in this place opens none.
 */
export const cacheServiceProvider: FactoryProvider<Promise<CacheService>> = {
  provide: CacheService,
  inject: [CACHE_ENGINE, RESOLVED_OPTIONS, CacheLifecycle],
  useFactory: async (engine: CacheEngine, { declared }: ResolvedCacheOptions, lifecycle: CacheLifecycle) => {
    await Promise.all(declared.map((definition) => register(definition, engine, lifecycle)));
    return new CacheService(engine);
  },
};

/** What `@InjectNamespace(definition)` injects. Its rows are loaded before anyone gets it. */
export function namespaceProvider(
  definition: NamespaceDefinition,
): FactoryProvider<Promise<NamespaceCache<unknown, unknown>>> {
  return {
    provide: getNamespaceToken(definition),
    inject: [CACHE_ENGINE, CacheLifecycle],
    useFactory: (engine: CacheEngine, lifecycle: CacheLifecycle) => register(definition, engine, lifecycle),
  };
}

async function register(
  definition: NamespaceDefinition,
  engine: CacheEngine,
  lifecycle: CacheLifecycle,
): Promise<NamespaceCache<unknown, unknown>> {
  try {
    return await engine.register(definition);
  } catch (error) {
    // Not waited for: what fails because of it must not be reported in its place.
    lifecycle.startFailed();
    throw error;
  }
}

function createStorage({ storage, migrationsRun, synchronous }: ResolvedCacheOptions): CacheStorageAdapter {
  return isAdapter(storage) ? storage : new TypeOrmStorage({ storage, migrationsRun, synchronous });
}

function createJournal(
  { rescueJournal }: ResolvedCacheOptions,
  storage: CacheStorageAdapter,
): RescueJournal | undefined {
  const path = rescueJournal ?? storage.rescuePath;
  return path === undefined || path === false ? undefined : new RescueFile(path);
}

function isAdapter(
  storage: DataSourceOptions | DataSource | CacheStorageAdapter,
): storage is CacheStorageAdapter {
  return 'purgeExpired' in storage && 'classify' in storage;
}
