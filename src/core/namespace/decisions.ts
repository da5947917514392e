import { CacheError } from '../cache-error.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { ValueEncoder } from '../entries/value-encoder.js';
import type { Decide } from '../values/decision.js';
import type { StoredValue } from '../values/stored-value.js';
import type { Updater } from '../values/value-codec.js';

/**
 * The operations that read an entry and write it in one, each as what it decides on the entry there is. The levels know
 * nothing of them: they make any decision atomic, and as durable as they are.
 */
export class Decisions<V> {
  constructor(
    private readonly definition: NamespaceDefinition<unknown, V>,
    private readonly values: ValueEncoder<V>,
  ) {}

  /** What `fn` makes of the value; the expiry stays unless `ttlMs` renews it. */
  update(fn: Updater<V>, ttlMs: number | undefined): Decide<V, V> {
    const { values, definition } = this;
    return (current, stored) => {
      const next = values.updated(current, stored?.expiresAt ?? null, fn, ttlMs);
      return next === undefined ? kept(current as V) : { next, result: next.read(definition.value) };
    };
  }

  /** A value where there is none. */
  setIfAbsent(offered: StoredValue<V>): Decide<V, boolean> {
    return (current) => (current === undefined ? { next: offered, result: true } : kept(false));
  }

  /** The same of what a loader gave, answered with the value that there is then; stored only while `isCurrent` says so. */
  load(offered: StoredValue<V>, isCurrent: () => boolean): Decide<V, V> {
    const { value: codec } = this.definition;
    return (current) => {
      if (current !== undefined) return kept(current);
      const result = offered.read(codec);
      return isCurrent() ? { next: offered, result, isLoaded: true } : kept(result);
    };
  }

  /** The number there is plus `by`; absent counts as 0, and the expiry stays. */
  increment(by: number): Decide<V, number> {
    const { values, definition } = this;
    if (typeof by !== 'number' || !Number.isFinite(by))
      throw this.#noNumber('what is to be added is no finite number');
    return (current, stored) => {
      const before: unknown = current === undefined ? 0 : current;
      if (typeof before !== 'number') throw this.#noNumber(`the stored value is of type ${typeof before}`);
      if (!Number.isFinite(before)) throw this.#noNumber(`the stored value is ${before}`);
      const sum = before + by;
      // Past that bound adding 1 may change nothing.
      if (Math.abs(sum) > Number.MAX_SAFE_INTEGER) throw this.#noNumber('the sum would be beyond ±(2⁵³ − 1)');
      if (sum === current) return kept(sum);
      const expiresAt = stored === undefined ? values.expiry(undefined) : stored.expiresAt;
      const next = values.storedUntil(sum as V, expiresAt);
      return { next, result: next.read(definition.value) as number };
    };
  }

  /** Nothing from now on, answered with the value there was. */
  take(): Decide<V, V | undefined> {
    return (current) => (current === undefined ? kept(undefined) : { next: null, result: current });
  }

  /** The value, as readers see it, with an expiry of `ttlMs` from now. */
  touch(ttlMs: number): Decide<V, boolean> {
    const { values } = this;
    const expiresAt = values.expiry(ttlMs);
    return (_current, stored) => {
      if (stored === undefined) return kept(false);
      if (stored.expiresAt === expiresAt) return kept(true);
      return { next: values.renewed(stored, expiresAt), result: true };
    };
  }

  #noNumber(reason: string): CacheError {
    const { name } = this.definition;
    return new CacheError(
      'INVALID_VALUE',
      `Namespace '${name}': increment() adds up numbers, and ${reason}. For anything else use update().`,
      { namespace: name },
    );
  }
}

function kept<R>(result: R): { readonly next: undefined; readonly result: R } {
  return { next: undefined, result };
}
