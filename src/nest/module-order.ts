import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

type Module = ReturnType<ModulesContainer['values']> extends IterableIterator<infer M> ? M : never;
import { CacheError } from '../core/cache-error.js';

/** Throws `DUPLICATE_MODULE` where the cache's module is there more than once. */
export function assertImportedOnce(modules: ModulesContainer, moduleClass: Type): void {
  if (modulesOf(modules, moduleClass).length > 1) {
    throw new CacheError(
      'DUPLICATE_MODULE',
      'CacheModule.forRoot() or forRootAsync() is imported more than once in this application. Import it once, in the ' +
        'root module; feature modules use CacheModule.forFeature([...]). To import it in several modules, share one ' +
        'constant: const cache = CacheModule.forRoot({ isGlobal: false }).',
    );
  }
}

/**
 * Puts the lifecycle hooks of the cache's module at the edge: before those of every other module at the start, after them
 * at the stop. Nest orders hooks by a module's distance from the root; global modules are as far as it gets, in the order
 * of their import. A cache that is one of them would stop before some, and what those write in their own shutdown hooks
 * would be lost.
 */
export function stopAfterAllOthers(modules: ModulesContainer, moduleClass: Type): void {
  for (const module of modulesOf(modules, moduleClass)) module.distance = Infinity;
}

function modulesOf(modules: ModulesContainer, moduleClass: Type): Module[] {
  return [...modules.values()].filter((module) => module.metatype === moduleClass);
}
