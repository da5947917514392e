import { CacheError, isCacheError } from '../cache-error.js';
import type { Clock } from '../clock.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import { StoredValue } from '../values/stored-value.js';
import { abandon, isThenable } from '../values/thenable.js';
import type { Updater } from '../values/value-codec.js';

/** Makes snapshots of a namespace's values: encodes them, and gives them their expiry. */
export class ValueEncoder<V> {
  constructor(
    protected readonly definition: NamespaceDefinition<unknown, V>,
    private readonly clock: Clock,
  ) {}

  /** What is stored of a value that is set now. Throws `INVALID_VALUE` when it can't be serialised. */
  stored(value: V, ttlMs: number | undefined): StoredValue<V> {
    return this.storedUntil(value, this.expiry(ttlMs));
  }

  /** The same with an expiry in wall-clock ms, `null` for never. */
  storedUntil(value: V, expiresAt: number | null): StoredValue<V> {
    return this.#checked(this.encode(value), expiresAt);
  }

  /** A stored value with another expiry: its very text where memory has that, else encoded anew. */
  renewed(stored: StoredValue<V>, expiresAt: number | null): StoredValue<V> {
    let text: string;
    try {
      ({ text } = stored);
    } catch (error) {
      throw this.#unencodable(error);
    }
    return this.#checked(text, expiresAt);
  }

  /** What {@link stored} would hold. */
  text(value: V): string {
    const text = this.encode(value);
    if (this.definition.value.plain !== true) this.#checked(text, null);
    return text;
  }

  /** What readers would get of a value, now and after a restart. */
  restored(value: V): V {
    return this.stored(value, undefined).read(this.definition.value);
  }

  /** The result of `fn`. Keeps the expiry unless `ttlMs` renews it. `undefined` if `fn` changed nothing. */
  updated(
    current: V | undefined,
    expiresAt: number | null,
    fn: Updater<V>,
    ttlMs: number | undefined,
  ): StoredValue<V> | undefined {
    const next = this.#apply(fn, current);
    if (ttlMs === undefined && next === current && this.isFixed(next)) return undefined;
    const expiry = ttlMs === undefined && current !== undefined ? expiresAt : this.expiry(ttlMs);
    return this.storedUntil(next, expiry);
  }

  /** Runs an updater, and refuses results that are not values. */
  #apply(fn: Updater<V>, current: V | undefined): V {
    const next = fn(current);
    if (next === undefined) {
      throw this.#invalid(
        'The updater gave undefined. Return the new value; to remove the entry, use delete().',
      );
    }
    if (isThenable(next)) {
      abandon(next);
      throw this.#invalid(
        'The updater gave a promise. Do the waiting before update(): the updater runs synchronously.',
      );
    }
    return next;
  }

  /** Gives each of several readers of `value`, which nobody has been given yet, what is theirs: the frozen object, or a copy. */
  copies(value: V): () => V {
    if (this.isFixed(value)) return () => value;
    const stored = this.stored(value, undefined);
    return () => stored.read(this.definition.value);
  }

  /** Bytes that a value takes, for a bound of memory. Throws `INVALID_VALUE` where that can't be told. */
  size(value: V): number {
    const { value: codec } = this.definition;
    if (codec.measure === undefined) return Buffer.byteLength(this.encode(value));
    try {
      return codec.measure(value);
    } catch (error) {
      throw this.#invalid('The value could not be measured for maxBytes. Leave maxBytes out.', error);
    }
  }

  encode(value: V): string {
    try {
      const text = this.definition.value.encode(value);
      if (typeof text === 'string') return text;
    } catch (error) {
      throw this.#unencodable(error);
    }
    throw this.#invalid('The value codec did not give a string.');
  }

  /** When an entry written now expires, in wall-clock ms; `Infinity` is never. */
  expiry(ttlMs: number | undefined): number | null {
    const ttl = ttlMs ?? this.definition.ttlMs ?? Infinity;
    return ttl === Infinity ? null : this.clock.now() + ttl;
  }

  /** Whether nobody can change it in place: it is frozen, or no object. */
  protected isFixed(value: V): boolean {
    const { value: codec, values } = this.definition;
    if (codec.plain === true && values !== 'copied') return true;
    return value === null || (typeof value !== 'object' && typeof value !== 'function');
  }

  /** Refuses what can't be read back: later, nobody could act on it. */
  #checked(text: string, expiresAt: number | null): StoredValue<V> {
    const stored = new StoredValue<V>(text, expiresAt);
    const { value: codec } = this.definition;
    if (codec.plain === true) return stored;
    if (!text.isWellFormed()) throw this.#invalid('The value codec gave text with half of a surrogate pair.');
    // Not every database can store NUL in a text.
    if (text.includes('\0')) throw this.#invalid('The value codec gave text with a NUL character.');
    try {
      stored.read(codec);
    } catch (error) {
      throw this.#invalid('The value codec can not decode what it has encoded.', error);
    }
    return stored;
  }

  #unencodable(error: unknown): CacheError {
    if (isCacheError(error)) return this.#invalid(error.message, error.cause);
    return this.#invalid('The value codec could not encode the value.', error);
  }

  #invalid(reason: string, cause?: unknown): CacheError {
    const { name } = this.definition;
    return new CacheError('INVALID_VALUE', `Namespace '${name}': ${reason}`, { namespace: name, cause });
  }
}
