import type { NamespaceDefinition } from '../../core/definition/namespace-definition.js';
import { KeySpace } from '../../core/keys/key-space.js';
import { ttlIn } from '../../core/namespace/call-options.js';
import type { WriteOptions } from '../../core/namespace/namespace-cache.js';
import type { ValueMode } from '../../core/values/value-mode.js';
import type { Decorate } from './call-outcome.js';
import { decorator } from './decorated-method.js';
import { keyAsGiven } from './key-as-given.js';
import type { CachePutDecorator, Given } from './method-fit.js';
import { assertGiven, functionIn, onlyOneOf, saying } from './method-options.js';

/** The options of {@link CachePut}: those of `set`, and the key, by one of two functions. */
export type CachePutOptions<K, A extends unknown[], B extends unknown[]> = WriteOptions &
  (
    | {
        /** Gives the key, of the parameters of the method: `(id: string) => id`. A bad key is refused before the method runs. */
        readonly key: (...args: A) => Given<K>;
        readonly keyOfResult?: undefined;
      }
    | {
        readonly key?: undefined;
        /** Gives the key, of the result and then the parameters: `(user: User) => user.id`, for an id that the method makes. */
        readonly keyOfResult: (...args: B) => Given<K>;
      }
  );

/**
 * Has the result of a method of a provider or a controller stored, as by `set`, over whatever there is. The method always runs. Its promise
 * resolves to its own result when the write is acknowledged, as the level of the namespace says, and rejects with
 * what `set` rejects with; the method has run then. A result of `undefined` is not stored, and leaves the entry there is.
 *
 * Throws at once as {@link Cached} does.
 */
export function CachePut<K, V, M extends ValueMode, A extends unknown[], B extends unknown[]>(
  definition: NamespaceDefinition<K, V, M>,
  options: CachePutOptions<K, A, B>,
): CachePutDecorator<A, B, V> {
  return decorator('@CachePut', definition, (where) => storing(where, definition, options));
}

function storing(where: string, definition: NamespaceDefinition, given: unknown): Decorate {
  assertGiven(where, given, '{ key: (id: string) => id }');
  const by = onlyOneOf(where, given, ['key', 'keyOfResult']);
  const keyOf = functionIn(where, given, by);
  const { key: _, keyOfResult: __, ...options } = given as CachePutOptions<unknown, [], []>;
  saying(where, () => ttlIn(definition.name, options));
  const keys = new KeySpace(definition.name, definition.key);
  return async (call) => {
    const { args } = call;
    const known = by === 'key' ? { key: keyAsGiven(keys, keyOf(...args)) } : undefined;
    const value = await call.method();
    if (value === undefined) return value;
    const { key } = known ?? { key: keyOf(value, ...args) };
    await call.write((cache) => cache.set(key, value, options));
    return value;
  };
}
