import { Logger, type FactoryProvider, type Type } from '@nestjs/common';
import { LazyModuleLoader, ModulesContainer } from '@nestjs/core';
import { ChatDeclaration } from '../chat/chat-declaration.js';
import { isCacheStorage } from '../core/adapter-check.js';
import type { CacheError } from '../core/cache-error.js';
import { CacheEngine } from '../core/engine/cache-engine.js';
import type { EngineContext } from '../core/context.js';
import type { NamespaceCache } from '../core/namespace/namespace-cache.js';
import type { NamespaceDefinition } from '../core/definition/namespace-definition.js';
import { postgresBackplane } from '../backplane/postgres/postgres-backplane.js';
import type { RescueJournal } from '../core/rescue/rescue-journal.js';
import { carriesMessages } from '../core/sharing/messaging-storage.js';
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
import {
  CACHE_ENGINE,
  CACHE_OPTIONS,
  CHAT_DECLARATION,
  getNamespaceToken,
  METHOD_CACHES,
  MODULE_NAMESPACES,
  RESOLVED_OPTIONS,
} from './cache.tokens.js';
import { MethodCaches } from './decorators/method-caches.js';
import { assertUsersInMemory } from './instance-mode.js';
import { missingCacheError } from './missing-module.js';
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
      assertReplacedWell(modules, loader, moduleClass);
      assertImportedWell(modules);
      placeAtTheEdges(modules);
      return create(options);
    },
  };
}

/** The one place where the parts are put together. */
export function createEngine(options: ResolvedCacheOptions): CacheEngine {
  const { clock } = options;
  const random = (): number => clock.jitter?.() ?? Math.random();
  const context: EngineContext = { clock, logger: new Logger('Cache'), random };
  const engine = new CacheEngine(
    () => createStorage(options),
    options.engine,
    options.overrides,
    context,
    (storage) => createJournal(options, storage),
    (storage) => (carriesMessages(storage) ? postgresBackplane() : undefined),
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

/** What the application declares itself is found here before any namespace is: it takes the place of a built-in one. */
export const chatDeclarationProvider: FactoryProvider<ChatDeclaration> = {
  provide: CHAT_DECLARATION,
  inject: [RESOLVED_OPTIONS, ModulesContainer],
  useFactory: ({ chatNamespaces, namespaces }: ResolvedCacheOptions, modules: ModulesContainer) =>
    new ChatDeclaration(chatNamespaces, [
      ...namespaces,
      ...[...modules.values()].flatMap(
        ({ providers }) =>
          (providers.get(MODULE_NAMESPACES)?.instance ?? []) as readonly NamespaceDefinition[],
      ),
    ]),
};

/** In the place of the service where a module is imported without options; throws what `error` gives. */
export function bareServiceProvider(error: () => CacheError): FactoryProvider<never> {
  return {
    provide: CacheService,
    useFactory: () => {
      throw error();
    },
  };
}

/**
 * The service, once the rows of the namespaces that the module declares are loaded. The storage is opened for them here, and
 * for others where they are injected: a test that puts a service of its own in this place opens none.
 */
export const cacheServiceProvider: FactoryProvider<Promise<CacheService>> = {
  provide: CacheService,
  inject: [CACHE_ENGINE, RESOLVED_OPTIONS, CHAT_DECLARATION, CacheLifecycle],
  useFactory: async (
    engine: CacheEngine,
    options: ResolvedCacheOptions,
    chat: ChatDeclaration,
    lifecycle: CacheLifecycle,
  ) => {
    assertUsersInMemory(chat, options);
    const declared = [...chat.declared, ...options.namespaces];
    await Promise.all(declared.map((definition) => register(definition, { engine, chat, lifecycle })));
    return new CacheService(engine, chat);
  },
};

/** What `@InjectNamespace(definition)` injects. Its rows are loaded before anyone gets it. */
export function namespaceProvider(
  definition: NamespaceDefinition,
): FactoryProvider<Promise<NamespaceCache<unknown, unknown>>> {
  return {
    provide: getNamespaceToken(definition),
    // Optional, so that it is said here what is missing: Nest would name tokens that nobody knows.
    inject: [
      ModulesContainer,
      { token: CACHE_ENGINE, optional: true },
      { token: CHAT_DECLARATION, optional: true },
      { token: CacheLifecycle, optional: true },
    ],
    useFactory: async (
      modules: ModulesContainer,
      engine: CacheEngine | undefined,
      chat: ChatDeclaration | undefined,
      lifecycle: CacheLifecycle | undefined,
    ) => {
      if (engine === undefined || chat === undefined || lifecycle === undefined)
        throw await missingCacheError(modules, definition);
      return register(definition, { engine, chat, lifecycle });
    },
  };
}

/** What decorated methods use of this application. Nest injects it into each instance that has some. */
export const methodCachesProvider: FactoryProvider<MethodCaches> = {
  provide: METHOD_CACHES,
  inject: [CACHE_ENGINE, RESOLVED_OPTIONS, CHAT_DECLARATION, CacheLifecycle, ModulesContainer],
  useFactory: (
    engine: CacheEngine,
    { namespaces }: ResolvedCacheOptions,
    chat: ChatDeclaration,
    lifecycle: CacheLifecycle,
    modules: ModulesContainer,
  ) =>
    new MethodCaches({
      modules,
      namespaces,
      register: (definition) => register(definition, { engine, chat, lifecycle }),
      lifecycle,
    }),
};

interface Root {
  readonly engine: CacheEngine;
  readonly chat: ChatDeclaration;
  readonly lifecycle: CacheLifecycle;
}

async function register(
  definition: NamespaceDefinition,
  { engine, chat, lifecycle }: Root,
): Promise<NamespaceCache<unknown, unknown>> {
  try {
    chat.assertFree(definition);
    return await engine.register(definition);
  } catch (error) {
    // Not waited for: what fails because of it must not be reported in its place.
    lifecycle.startFailed();
    throw error;
  }
}

function createStorage({ storage, migrationsRun, synchronous }: ResolvedCacheOptions): CacheStorageAdapter {
  return isCacheStorage(storage) ? storage : new TypeOrmStorage({ storage, migrationsRun, synchronous });
}

function createJournal(
  { rescueJournal }: ResolvedCacheOptions,
  storage: CacheStorageAdapter,
): RescueJournal | undefined {
  if (rescueJournal === false) return undefined;
  if (rescueJournal !== undefined) return new RescueFile(rescueJournal, true);
  const { rescuePath } = storage;
  const earlierPath = storage instanceof TypeOrmStorage ? storage.earlierRescuePath : undefined;
  return rescuePath === undefined ? undefined : new RescueFile(rescuePath, false, earlierPath);
}
