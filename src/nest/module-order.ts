import type { DynamicModule, Type } from '@nestjs/common';
import type { LazyModuleLoader, ModulesContainer } from '@nestjs/core';
import { CacheError } from '../core/cache-error.js';
import { CacheCoreModule } from './cache-core.module.js';
import { CacheStopModule } from './cache-stop.module.js';

type Module = ReturnType<ModulesContainer['values']> extends IterableIterator<infer M> ? M : never;

/** The distance of a module that Nest has not found from the root: it was loaded lazily. */
const UNKNOWN_DISTANCE = 0;

/** Throws where the cache's module is there more than once, or where Nest would not call its hooks. */
export function assertImportedWell(modules: ModulesContainer): void {
  if (modulesOf(modules, CacheCoreModule).length > 1) {
    throw new CacheError(
      'DUPLICATE_MODULE',
      'CacheModule.forRoot() or forRootAsync() is imported more than once in this application. Import it once, in the ' +
        'root module; feature modules use CacheModule.forFeature([...]). To import it in several modules, share one ' +
        'constant: const cache = CacheModule.forRoot({ isGlobal: false }). In a test, CacheTestingModule.forRoot() is one of ' +
        'them. Where the module under test imports forRoot() itself, leave it out and replace the options, ' +
        'overrideProvider(CACHE_OPTIONS).useValue({ storage: new InMemoryStorage() }), or the module, if it is a constant, ' +
        'overrideModule(cache).useModule(CacheTestingModule.forRoot()).',
    );
  }
  if (modulesOf(modules, CacheStopModule).some((module) => module.distance === UNKNOWN_DISTANCE)) {
    throw new CacheError(
      'LAZY_MODULE',
      'CacheModule.forRoot() or forRootAsync() is imported by a module that is loaded lazily. Nest calls no shutdown hooks ' +
        'there, so what is unwritten at the stop would be lost. Import it in the root module; a module that is loaded ' +
        'lazily declares its namespaces with CacheModule.forFeature([...]).',
    );
  }
}

/**
 * Throws where a test replaces the class `CacheModule`, or what another `forRoot()` gave: Nest compares it with what is imported,
 * replaces nothing, and says nothing. The test would run on the database of the app. Nest keeps the replacements where it
 * loads modules lazily; a version that does not is trusted.
 */
export function assertReplacedWell(
  modules: ModulesContainer,
  loader: LazyModuleLoader,
  moduleClass: Type,
): void {
  const { moduleOverrides } = loader as unknown as { readonly moduleOverrides?: readonly ModuleOverride[] };
  const present = new Set([...modules.values()].map(({ metatype }) => metatype));
  const idle = moduleOverrides?.some(
    ({ moduleToReplace, newModule }) =>
      moduleToReplace === moduleClass ||
      (classOf(moduleToReplace) === moduleClass &&
        !(newModule instanceof Promise || present.has(classOf(newModule)))),
  );
  if (idle !== true) return;
  throw new CacheError(
    'MODULE_NOT_REPLACED',
    'overrideModule() replaces nothing here: Nest looks for the very module that is imported, and CacheModule.forRoot() makes ' +
      'a new one at each call. Use overrideProvider(CACHE_OPTIONS).useValue({ storage: new InMemoryStorage() }); or export the ' +
      'module of the application as a constant, const cache = CacheModule.forRoot({ ... }), and replace the same constant, not ' +
      'another forRoot() call: overrideModule(cache).useModule(CacheTestingModule.forRoot({ ... })).',
  );
}

interface ModuleOverride {
  readonly moduleToReplace: unknown;
  readonly newModule: unknown;
}

/** The class of a module as it is imported: bare, or with what a method gave. */
function classOf(module: unknown): Type {
  return ((module as Partial<DynamicModule> | undefined)?.module ?? module) as Type;
}

/**
 * Puts the lifecycle hooks of the cache at both edges. Nest orders hooks by a module's distance from the root: far ones
 * come first at the start and last at the stop. Global modules are as far as it gets, in the order of their import; a
 * cache that is one of them would stop before some, and what those write in their own shutdown hooks would be lost.
 */
export function placeAtTheEdges(modules: ModulesContainer): void {
  for (const module of modulesOf(modules, CacheCoreModule)) module.distance = Infinity;
  for (const module of modulesOf(modules, CacheStopModule)) module.distance = -Infinity;
}

function modulesOf(modules: ModulesContainer, moduleClass: Type): Module[] {
  return [...modules.values()].filter((module) => module.metatype === moduleClass);
}
