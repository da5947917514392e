import { Logger, type FactoryProvider, type Type } from '@nestjs/common';
import { LazyModuleLoader, ModulesContainer } from '@nestjs/core';
import type { DataSource, DataSourceOptions } from 'typeorm';
import { CacheEngine } from '../core/engine/cache-engine.js';
import type { EngineContext } from '../core/context.js';
import type { NamespaceCache } from '../core/namespace/namespace-cache.js';
import type { NamespaceDefinition } from '../core/definition/namespace-definition.js';
import type { RescueJournal } from '../core/rescue/rescue-journal.js';
import type { CacheStorageAdapter } from '../core/storage-adapter.js';
import { RescueFile } from '../storage/rescue-file.js';
import { TypeOrmStorage } from '../storage/typeorm-storage.js';
import { CacheLifecycle } from './cache.lifecycle.js';
import {
  resolveCacheOptions,
  type CacheModuleOptions,
  type ResolvedCacheOptions,
} from './cache-module-options.js';
import { CacheService } from './cache.service.js';
import { CACHE_ENGINE, CACHE_OPTIONS, getNamespaceToken, RESOLVED_OPTIONS } from './cache.tokens.js';
import { assertImportedWell, assertReplacedWell, placeAtTheEdges } from './module-order.js';

/** Makes the engine of an application, started. */
export type EngineFactory = (options: ResolvedCacheOptions) => CacheEngine;

/** The engine, once the modules are seen to be in their places. */
export function engineProvider(
  /** What holds all that an application has of the cache. */
  moduleClass: Type,
  create: EngineFactory = createEngine,
): FactoryProvider<CacheEngine> {
  return {
    provide: CACHE_ENGINE,
    inject: [RESOLVED_OPTIONS, ModulesContainer, LazyModuleLoader],
    useFactory: (options: ResolvedCacheOptions, modules: ModulesContainer, loader: LazyModuleLoader) => {
      assertReplacedWell(loader, moduleClass);
      assertImportedWell(modules);
      placeAtTheEdges(modules);
      return create(options);
    },
  };
}

/** The one place where the parts are put together. */
export function createEngine(options: ResolvedCacheOptions): CacheEngine {
  const { clock } = options;
  const context: EngineContext = { clock, logger: new Logger('Cache'), random: Math.random };
  const engine = new CacheEngine(
    () => createStorage(options),
    options.engine,
    options.overrides,
    context,
    (storage) => createJournal(options, storage),
  );
  engine.start();
  return engine;
}

/** The options, checked. Where others take the place of those of `forRoot`, its chat namespaces are declared as before. */
export function resolvedOptionsProvider(hasChatNamespaces?: boolean): FactoryProvider<ResolvedCacheOptions> {
  return {
    provide: RESOLVED_OPTIONS,
    inject: [CACHE_OPTIONS],
    useFactory: (given: CacheModuleOptions) => resolveCacheOptions(given, hasChatNamespaces),
  };
}

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

export function isAdapter(
  storage: DataSourceOptions | DataSource | CacheStorageAdapter,
): storage is CacheStorageAdapter {
  return 'purgeExpired' in storage && 'classify' in storage;
}
