import { CacheError } from '../../core/cache-error.js';
import type { NamespaceDefinition } from '../../core/definition/namespace-definition.js';
import type { KeyPrefix } from '../../core/keys/key-prefix.js';
import { KeySpace } from '../../core/keys/key-space.js';
import type { NamespaceCache } from '../../core/namespace/namespace-cache.js';
import { refuseUnknown } from '../../core/option-checks.js';
import type { ValueMode } from '../../core/values/value-mode.js';
import type { Decorate } from './call-outcome.js';
import { decorator } from './decorated-method.js';
import { keyAsGiven, prefixAsGiven } from './key-as-given.js';
import type { CacheEvictDecorator, Given } from './method-fit.js';
import { assertGiven, functionIn, onlyOneOf } from './method-options.js';

/** The options of {@link CacheEvict}: what is removed, one of three, and when. */
export type CacheEvictOptions<K, A extends unknown[]> = {
  /**
   * Whether the entries are removed before the method runs, which it then does not where that fails. A call of a `@Cached` method
   * in between may store again what is about to change. Default false: once the method has resolved.
   */
  readonly before?: boolean | undefined;
} & (
  | {
      /** Gives the key, of the parameters of the method: `(id: string) => id`. */
      readonly key: (...args: A) => Given<K>;
      readonly prefix?: undefined;
      readonly all?: undefined;
    }
  | {
      readonly key?: undefined;
      /** Gives what the keys begin with, of the parameters of the method, as for `deletePrefix`: `(chatId: number) => [chatId]`. */
      readonly prefix: (...args: A) => Given<KeyPrefix<K>>;
      readonly all?: undefined;
    }
  | {
      readonly key?: undefined;
      readonly prefix?: undefined;
      /** Removes every entry of the namespace, as `clear` does. */
      readonly all: true;
    }
);

/**
 * Has entries removed with a call of a method of a provider or a controller. Its promise resolves to its own result when the removal is
 * acknowledged, as the level of the namespace says, and rejects with what `delete`, `deletePrefix` or `clear` rejects with; the method has
 * run then. Where the method throws, nothing is removed, unless that was to come `before`. A bad key is refused before either.
 *
 * Throws at once as {@link Cached} does.
 */
export function CacheEvict<K, V, M extends ValueMode, A extends unknown[]>(
  definition: NamespaceDefinition<K, V, M>,
  options: CacheEvictOptions<K, A>,
): CacheEvictDecorator<A> {
  return decorator('@CacheEvict', definition, (where) => eviction(where, definition, options));
}

type Removal = (cache: NamespaceCache<unknown, unknown>) => Promise<unknown>;

function eviction(where: string, definition: NamespaceDefinition, given: unknown): Decorate {
  assertGiven(where, given, '{ key: (id: string) => id }');
  refuseUnknown(given, ['key', 'prefix', 'all', 'before'], where);
  const removalOf = removals(where, definition, given);
  const { before = false } = given as { before?: unknown };
  if (typeof before !== 'boolean') throw invalid(where, 'before', 'true or false');
  return async (call) => {
    const removal = removalOf(call.args);
    if (before) await call.write(removal);
    const result = await call.method();
    if (!before) await call.write(removal);
    return result;
  };
}

/** Makes of the arguments of a call what it removes. What can't be a key is refused here. */
function removals(
  where: string,
  definition: NamespaceDefinition,
  given: object,
): (args: readonly unknown[]) => Removal {
  const keys = new KeySpace(definition.name, definition.key);
  const what = onlyOneOf(where, given, ['key', 'prefix', 'all']);
  if (what === 'all') {
    if ((given as { all: unknown }).all !== true) throw invalid(where, 'all', 'true, or left out');
    return () => (cache) => cache.clear();
  }
  const give = functionIn(where, given, what);
  if (what === 'key') {
    return (args) => {
      const key = keyAsGiven(keys, give(...args));
      return (cache) => cache.delete(key);
    };
  }
  return (args) => {
    const prefix = prefixAsGiven(keys, give(...args)) as KeyPrefix<unknown>;
    return (cache) => cache.deletePrefix(prefix);
  };
}

function invalid(where: string, option: string, what: string): CacheError {
  return new CacheError('INVALID_OPTION', `${where}: '${option}' must be ${what}.`, { option });
}
