import type { ModulesContainer } from '@nestjs/core';
import { CacheError } from '../core/cache-error.js';
import { nextTurn, systemClock } from '../core/clock.js';
import type { NamespaceDefinition } from '../core/definition/namespace-definition.js';
import { CacheCoreModule } from './cache-core.module.js';

/** What is said of `imports: [CacheModule]`. */
export function importedBareError(): CacheError {
  return new CacheError(
    'MISSING_MODULE',
    'CacheModule is imported without a method: write CacheModule.forRoot() or forRootAsync() once, in the root module, and ' +
      'CacheModule.forFeature([...]) in modules that declare namespaces. Other modules import nothing, unless isGlobal is false: ' +
      'then they import the constant that forRoot() gave.',
  );
}

/** Why a namespace has no cache to be declared in. */
export async function missingCacheError(
  modules: ModulesContainer,
  { name }: NamespaceDefinition,
): Promise<CacheError> {
  if (![...modules.values()].some((module) => module.metatype === CacheCoreModule)) {
    return new CacheError(
      'MISSING_MODULE',
      `CacheModule.forFeature([...]) declares '${name}', and there is no cache in this application: import ` +
        'CacheModule.forRoot() or CacheModule.forRootAsync() in the root module. The test of a feature module imports ' +
        'CacheTestingModule.forRoot(), or CacheModule.forRoot({ storage: new InMemoryStorage() }).',
      { namespace: name },
    );
  }
  // Nest leaves out what failed itself, since it is asked for as optional. That failure is the one to report, and is on its way.
  await nextTurn(systemClock);
  return unavailableError(`'${name}'`, name);
}

/** Why a class with decorated methods can't be a provider here. */
export function noCacheForMethodError(where: string): CacheError {
  return new CacheError(
    'MISSING_MODULE',
    `${where}: there is no cache in this application. Import CacheModule.forRoot() or CacheModule.forRootAsync() in the root module; in a ` +
      'test, CacheTestingModule.forRoot({ namespaces: [...] }). An instance that a test makes with new runs the plain method.',
  );
}

/** Why there is no cache for a call whose cache is that of a failed start. */
export function unavailableError(who: string, namespace: string): CacheError {
  return new CacheError(
    'MISSING_MODULE',
    `The cache is not there for ${who}: its own start has failed, or the options of forRootAsync() wait for something that ` +
      'uses the cache. Inject nothing into them that does.',
    { namespace },
  );
}
