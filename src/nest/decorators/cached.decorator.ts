import type { NamespaceDefinition } from '../../core/definition/namespace-definition.js';
import { KeySpace } from '../../core/keys/key-space.js';
import { timesIn } from '../../core/namespace/call-options.js';
import { noValue } from '../../core/namespace/given-value.js';
import type { LoadOptions, NamespaceCache } from '../../core/namespace/namespace-cache.js';
import type { ValueMode } from '../../core/values/value-mode.js';
import type { Decorate, MethodCall } from './call-outcome.js';
import { decorator } from './decorated-method.js';
import { keyAsGiven } from './key-as-given.js';
import { begin, waiting, type LoadRun } from './loads-under-way.js';
import type { CachedDecorator, Given } from './method-fit.js';
import { assertGiven, functionIn, saying, type KeyFunction } from './method-options.js';

/** The options of {@link Cached}: those of `getOrLoad`, and the key. */
export interface CachedOptions<K, A extends unknown[]> extends LoadOptions {
  /** Gives the key, of the parameters of the method: `(id: string) => id`. State their types; the compiler compares them. */
  readonly key: (...args: A) => Given<K>;
}

/**
 * Has a method of a provider or a controller answered by a namespace: the value of the key, and where there is none, what the
 * method gives, stored as by `getOrLoad`. The method runs once at a time for each key, and all who call it meanwhile share the
 * outcome. A result of `undefined` is given to them and not stored.
 *
 * The method must return a Promise of the namespace's values as they are read: of `Immutable<V>`, or of `V` where the
 * namespace has `values: 'copied'`. It then rejects with what it throws itself, and as `getOrLoad` does.
 *
 * Throws `INVALID_OPTION` at once for options that are unknown or out of range, and for what is no method;
 * `UNKNOWN_NAMESPACE` for no definition. A definition that the application does not declare fails its start with the same code.
 */
export function Cached<K, V, M extends ValueMode, A extends unknown[]>(
  definition: NamespaceDefinition<K, V, M>,
  options: CachedOptions<K, A>,
): CachedDecorator<A, V, M> {
  return decorator('@Cached', definition, (where) => reading(where, definition, options));
}

function reading(where: string, definition: NamespaceDefinition, given: unknown): Decorate {
  assertGiven(where, given, '{ key: (id: string) => id }');
  const keyOf: KeyFunction = functionIn(where, given, 'key');
  const { key: _, ...times } = given as CachedOptions<unknown, unknown[]>;
  saying(where, () => timesIn(definition.name, times));
  // Times are checked at each call that has some.
  const options = Object.values(times).some((time) => time !== undefined) ? times : undefined;
  const keys = new KeySpace(definition.name, definition.key);
  const nothing = noValue(definition.name, `${where} gave undefined, which is not stored.`);

  const ask = (call: MethodCall, cache: NamespaceCache<unknown, unknown>, key: unknown): Promise<unknown> => {
    let begun: LoadRun | undefined;
    const load = async (): Promise<{} | null> => {
      begun = begin(cache, keys.admit(key));
      const value = await begun.run(() => call.method());
      if (value === undefined) throw nothing;
      return value;
    };
    call.failed = (error) => {
      // It may have been given up.
      begun?.end();
      if (error === nothing) return undefined;
      throw error;
    };
    const wait = (): Promise<unknown> => cache.getOrLoad(key, load, options);
    return waiting(cache, () => keys.admit(key), { wait, method: () => call.method() });
  };

  // Not async: a hit costs no promise more than it must.
  return (call) => {
    const made = keyOf(...call.args);
    // What is no object can't change, and is checked where it is not found.
    const key = typeof made === 'object' ? keyAsGiven(keys, made) : made;
    const { namespace } = call;
    return namespace instanceof Promise
      ? namespace.then((cache) => ask(call, cache, key))
      : ask(call, namespace, key);
  };
}
