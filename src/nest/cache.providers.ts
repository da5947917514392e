import { Logger, type FactoryProvider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { DataSource, DataSourceOptions } from 'typeorm';
import { chatNamespaces } from '../chat/chat-namespaces.js';
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
import { CacheCoreModule } from './cache-core.module.js';
import { resolveCacheOptions, type CacheOptions, type ResolvedCacheOptions } from './cache-module-options.js';
import { CACHE_ENGINE, CACHE_OPTIONS, getNamespaceToken } from './cache.tokens.js';
import { assertImportedOnce, stopAfterAllOthers } from './module-order.js';

/** The one place where the parts are put together. */
export const cacheEngineProvider: FactoryProvider<Promise<CacheEngine>> = {
  provide: CACHE_ENGINE,
  inject: [CACHE_OPTIONS, ModulesContainer],
  useFactory: async (given: CacheOptions, modules: ModulesContainer): Promise<CacheEngine> => {
    assertImportedOnce(modules, CacheCoreModule);
    stopAfterAllOthers(modules, CacheCoreModule);
    const options = resolveCacheOptions(given);
    const context: EngineContext = { clock: systemClock, logger: new Logger('Cache'), random: Math.random };
    const engine = new CacheEngine(
      () => createStorage(options),
      options.engine,
      options.overrides,
      context,
      (storage) => createJournal(options, storage),
    );
    try {
      const builtIn: readonly NamespaceDefinition[] = options.chatNamespaces ? chatNamespaces : [];
      await Promise.all([...builtIn, ...options.namespaces].map((definition) => engine.register(definition)));
    } catch (error) {
      // The application will not start: leave no connection behind.
      await engine.abandon();
      throw error;
    }
    engine.start();
    return engine;
  },
};

/** What `@InjectNamespace(definition)` injects. Its rows are loaded before anyone gets it. */
export function namespaceProvider(
  definition: NamespaceDefinition,
): FactoryProvider<Promise<NamespaceCache<unknown, unknown>>> {
  return {
    provide: getNamespaceToken(definition),
    inject: [CACHE_ENGINE, CacheLifecycle],
    useFactory: async (engine: CacheEngine, lifecycle: CacheLifecycle) => {
      try {
        return await engine.register(definition);
      } catch (error) {
        // Not waited for: what fails because of it must not be reported in its place.
        lifecycle.startFailed();
        throw error;
      }
    },
  };
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
