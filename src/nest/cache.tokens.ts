import { CacheError } from '../core/cache-error.js';
import type { NamespaceDefinition } from '../core/definition/namespace-definition.js';

/** The engine of the application: internal to the module. */
export const CACHE_ENGINE = Symbol('CACHE_ENGINE');

/**
 * The injection token of the options that `forRoot` or `forRootAsync` got, for a test that gives others:
 * `overrideProvider(CACHE_OPTIONS).useValue({ storage: new InMemoryStorage() })`. They take the place of all options. The
 * namespaces that `forRoot` declares stay declared, and its `chatNamespaces` holds where they name none.
 */
export const CACHE_OPTIONS = Symbol('CACHE_OPTIONS');

/** The same, checked and with every default filled in: internal to the module. */
export const RESOLVED_OPTIONS = Symbol('RESOLVED_OPTIONS');

/** What of a chat bot's namespaces the module declares: internal to the module. */
export const CHAT_DECLARATION = Symbol('CHAT_DECLARATION');

/** The namespaces that one import of the module declares, for those who look for all of them: internal to the module. */
export const MODULE_NAMESPACES = Symbol('MODULE_NAMESPACES');

/**
 * What the decorated methods of an application need of it: internal to the module. The same for every copy of this package, since a
 * library may have decorated its classes with another one.
 */
export const METHOD_CACHES = Symbol.for('nestjs-durable-cache:method-caches');

/** The injection token of a namespace, for custom providers and for tests that replace it. */
export function getNamespaceToken(namespace: Pick<NamespaceDefinition, 'name'> | string): string {
  const name: unknown = typeof namespace === 'string' ? namespace : namespace?.name;
  if (typeof name !== 'string' || name === '') {
    throw new CacheError(
      'UNKNOWN_NAMESPACE',
      'There is no namespace to inject here. Pass a definition made by defineNamespace(); if it is undefined, two files import each other.',
    );
  }
  return `NamespaceCache(${name})`;
}
