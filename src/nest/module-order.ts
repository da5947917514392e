import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { CacheError } from '../core/cache-error.js';

/**
 * Makes sure that the cache's module is there once, and puts its lifecycle hooks at the edge: before those of every
 * other module at the start, after them at the stop. Nest orders hooks by a module's distance from the root; global
 * modules are as far as it gets, in the order of their import. A cache that is one of them would stop before some, and
 * what those write in their own shutdown hooks would be lost.
 */
export function claimModule(modules: ModulesContainer, moduleClass: Type): void {
  const found = [...modules.values()].filter((module) => module.metatype === moduleClass);
  if (found.length > 1) {
    throw new CacheError(
      'DUPLICATE_MODULE',
      'CacheModule.forRoot() or forRootAsync() is imported more than once in this application. Import it once, in the ' +
        'root module; feature modules use CacheModule.forFeature([...]). To import it in several modules, share one ' +
        'constant: const cache = CacheModule.forRoot({ isGlobal: false }).',
    );
  }
  for (const module of found) module.distance = Infinity;
}
