import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { ReadValue, ValueMode } from '../values/value-mode.js';
import type { NamespaceCache } from './namespace-cache.js';

/** The namespace of a definition, in use: `constructor(@InjectNamespace(sessions) cache: NamespaceOf<typeof sessions>)`. */
export type NamespaceOf<D extends NamespaceDefinition> =
  D extends NamespaceDefinition<infer K, infer V, infer M> ? NamespaceCache<K, V, ReadValue<V, M>> : never;

/** The keys of a definition: `function load(id: KeyOf<typeof sessions>)`. */
export type KeyOf<D extends NamespaceDefinition> = D extends NamespaceDefinition<infer K> ? K : never;

/** The values of a definition, as they are set; readers get them as {@link Immutable} unless they are `copied`. */
export type ValueOf<D extends NamespaceDefinition> =
  D extends NamespaceDefinition<infer _K, infer V> ? V : never;

/** What `CacheService.namespace()` and the engine give of a definition with these types. */
export type NamespaceWith<K, V, M extends ValueMode> = NamespaceCache<K, V, ReadValue<V, M>>;
