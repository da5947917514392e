import { Module, type DynamicModule, type InjectionToken, type Provider } from '@nestjs/common';
import { CacheError } from '../core/cache-error.js';
import { assertRecord, refuseUnknown } from '../core/option-checks.js';
import type { NamespaceDefinition } from '../core/definition/namespace-definition.js';
import { CacheCoreModule } from './cache-core.module.js';
import { CacheFeatureModule } from './cache-feature.module.js';
import { CacheLifecycle } from './cache.lifecycle.js';
import {
  bareServiceProvider,
  cacheServiceProvider,
  chatDeclarationProvider,
  engineProvider,
  methodCachesProvider,
  namespaceProvider,
  resolvedOptionsProvider,
  type EngineFactory,
} from './cache.providers.js';
import { CacheService } from './cache.service.js';
import { CacheStopModule } from './cache-stop.module.js';
import {
  CACHE_ENGINE,
  CACHE_OPTIONS,
  CHAT_DECLARATION,
  METHOD_CACHES,
  MODULE_NAMESPACES,
  RESOLVED_OPTIONS,
} from './cache.tokens.js';
import { MethodCachesExplorer } from './decorators/method-caches.explorer.js';
import { FirstStopHooks } from './first-stop-hooks.js';
import { importedBareError } from './missing-module.js';
import {
  assertDefinitions,
  ASYNC_OPTIONS,
  resolveCacheOptions,
  type CacheModuleAsyncOptions,
  type CacheModuleOptions,
  type CacheOptionsFactory,
} from './cache-module-options.js';

/**
 * The cache as a Nest module: import `forRoot()` or `forRootAsync()` once, `forFeature()` where namespaces are declared. Imported
 * without one of them, it fails the start with `MISSING_MODULE`, as `forFeature()` does without a `forRoot()`.
 */
@Module({ providers: [bareServiceProvider(importedBareError)], exports: [CacheService] })
export class CacheModule {
  /** With options known now. Throws `INVALID_OPTION` at once for one that is unknown or out of range. */
  static forRoot(options: CacheModuleOptions = {}): DynamicModule {
    resolveCacheOptions(options);
    const provider: Provider = { provide: CACHE_OPTIONS, useValue: options };
    return cacheRoot({ ...options, providers: [provider] });
  }

  /** With options that a factory, a class or another provider gives. */
  static forRootAsync(options: CacheModuleAsyncOptions): DynamicModule {
    assertRecord(options, 'CacheModule.forRootAsync', '{ useFactory: () => ({ … }) }');
    refuseUnknown(options, ASYNC_OPTIONS, 'CacheModule.forRootAsync');
    return cacheRoot({ ...options, providers: asyncProviders(options) });
  }

  /** Declares the namespaces of a feature module, for `@InjectNamespace` in its providers. */
  static forFeature(namespaces: readonly NamespaceDefinition[]): DynamicModule {
    assertDefinitions(namespaces);
    const provided = namespaces.map(namespaceProvider);
    return {
      module: CacheFeatureModule,
      providers: [...provided, { provide: MODULE_NAMESPACES, useValue: namespaces }],
      exports: provided.map((provider) => provider.provide),
    };
  }
}

/** What Nest must know before any factory runs. */
interface CacheRoot {
  /** What gives `CACHE_OPTIONS`. */
  readonly providers: readonly Provider[];
  readonly imports?: DynamicModule['imports'];
  readonly isGlobal?: boolean | undefined;
  readonly namespaces?: readonly NamespaceDefinition[] | undefined;
  readonly chatNamespaces?: boolean | undefined;
  /** Makes the engine, where it is not the usual one. */
  readonly createEngine?: EngineFactory;
}

/** The modules that one application has. */
export function cacheRoot({
  providers,
  imports = [],
  isGlobal = true,
  namespaces = [],
  chatNamespaces,
  createEngine,
}: CacheRoot): DynamicModule & { providers: Provider[]; exports: InjectionToken[] } {
  const core: DynamicModule = {
    module: CacheCoreModule,
    global: true,
    imports,
    providers: [
      ...providers,
      resolvedOptionsProvider(chatNamespaces),
      chatDeclarationProvider,
      engineProvider(CacheModule, createEngine),
      CacheLifecycle,
      methodCachesProvider,
      MethodCachesExplorer,
    ],
    exports: [CACHE_ENGINE, RESOLVED_OPTIONS, CHAT_DECLARATION, CacheLifecycle, METHOD_CACHES],
  };
  const stop: DynamicModule = { module: CacheStopModule, imports: [core], providers: [FirstStopHooks] };
  const provided = namespaces.map(namespaceProvider);
  return {
    module: CacheModule,
    global: isGlobal,
    imports: [core, stop],
    providers: [cacheServiceProvider, ...provided, { provide: MODULE_NAMESPACES, useValue: namespaces }],
    exports: [CacheService, ...provided.map((provider) => provider.provide)],
  };
}

function asyncProviders({ useFactory, inject, useClass, useExisting }: CacheModuleAsyncOptions): Provider[] {
  if ([useFactory, useClass, useExisting].filter((way) => way !== undefined).length !== 1) {
    throw new CacheError(
      'INVALID_OPTION',
      'CacheModule.forRootAsync: give exactly one of useFactory, useClass and useExisting.',
    );
  }
  if (useFactory !== undefined) return [{ provide: CACHE_OPTIONS, useFactory, inject: inject ?? [] }];
  const factory = (useClass ?? useExisting) as NonNullable<typeof useClass>;
  return [
    {
      provide: CACHE_OPTIONS,
      useFactory: (source: CacheOptionsFactory) => source.createCacheOptions(),
      inject: [factory],
    },
    ...(useClass === undefined ? [] : [useClass]),
  ];
}
