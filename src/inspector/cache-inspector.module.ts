import {
  Controller,
  Module,
  UseFilters,
  UseGuards,
  VERSION_NEUTRAL,
  type DynamicModule,
  type Provider,
  type Type,
} from '@nestjs/common';
import { AccessGuard } from './access/access.guard.js';
import { InspectorErrorsFilter } from './http/inspector-errors.filter.js';
import {
  assertAsyncOptions,
  assertInspectorOptions,
  behaviourGiven,
  behaviourOf,
  placeOf,
  type CacheInspectorAsyncOptions,
  type CacheInspectorBehaviour,
  type CacheInspectorOptions,
  type CacheInspectorOptionsFactory,
  type InspectorPlace,
} from './inspector-options.js';
import { Inspector, INSPECTOR_BEHAVIOUR } from './inspector.js';
import { InspectorRoutes } from './inspector.routes.js';

/**
 * A page that shows the cache of the application while it runs, on the application's own server. Without a `guard` it answers requests
 * from this very machine alone. Beside `CacheModule.forRoot()`, in the same module or another.
 */
@Module({})
export class CacheInspectorModule {
  /** With options known now. Throws `INVALID_OPTION` at once for one that is unknown or of the wrong type. */
  static forRoot(options: CacheInspectorOptions = {}): DynamicModule {
    assertInspectorOptions(options);
    return mounted(placeOf(options), [{ provide: INSPECTOR_BEHAVIOUR, useValue: behaviourOf(options) }]);
  }

  /**
   * With options that a factory, a class or another provider gives. `path` and `guard` stand beside it: routes are fixed before it runs.
   * Throws `INVALID_OPTION` at once for what is wrong with those, and at the start for what is given.
   */
  static forRootAsync(options: CacheInspectorAsyncOptions): DynamicModule {
    assertAsyncOptions(options);
    return mounted(placeOf(options), asyncProviders(options));
  }
}

function mounted({ path, guard, imports }: InspectorPlace, providers: Provider[]): DynamicModule {
  return {
    module: CacheInspectorModule,
    imports,
    controllers: [controllerAt(path, guard)],
    providers: [...providers, Inspector],
  };
}

/** A class for each place: what Nest knows of a controller stands at its class, and an application may mount two. */
function controllerAt(path: string, guard: InspectorPlace['guard']): Type<InspectorRoutes> {
  class CacheInspectorController extends InspectorRoutes {}
  Controller({ path, version: VERSION_NEUTRAL })(CacheInspectorController);
  UseFilters(InspectorErrorsFilter)(CacheInspectorController);
  const access = new AccessGuard(guard !== undefined);
  UseGuards(...(guard === undefined ? [access] : [access, guard]))(CacheInspectorController);
  return CacheInspectorController;
}

function asyncProviders({
  useFactory,
  inject,
  useClass,
  useExisting,
}: CacheInspectorAsyncOptions): Provider[] {
  if (useFactory !== undefined) {
    const make = useFactory as (
      ...injected: unknown[]
    ) => CacheInspectorBehaviour | Promise<CacheInspectorBehaviour>;
    return [
      {
        provide: INSPECTOR_BEHAVIOUR,
        useFactory: async (...injected: unknown[]) => behaviourGiven(await make(...injected)),
        inject: [...(inject ?? [])],
      },
    ];
  }
  return [
    {
      provide: INSPECTOR_BEHAVIOUR,
      useFactory: async (source: CacheInspectorOptionsFactory) =>
        behaviourGiven(await source.createCacheInspectorOptions()),
      inject: [(useClass ?? useExisting) as NonNullable<typeof useClass>],
    },
    ...(useClass === undefined ? [] : [useClass]),
  ];
}
