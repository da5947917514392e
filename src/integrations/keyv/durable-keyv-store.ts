import { EventEmitter } from 'node:events';
import { CacheError, type NamespaceCache } from '../../index.js';
import { KEYV_ITEMS, type KeyvItem } from './keyv-item.js';
import { KEPT_LENGTH, storedKeyOf } from './stored-key.js';

/** An entry of {@link DurableKeyvStore.setMany}. */
export interface KeyvStoreEntry {
  readonly key: string;
  readonly value: unknown;
  /** Milliseconds. */
  readonly ttl?: number | undefined;
}

/**
 * A store for Keyv 5 and 6 over a namespace of the cache: `new Keyv({ store: new DurableKeyvStore(entries) })`. It takes keys of
 * any length. Make one for each Keyv, since Keyv notes its own `namespace` in the store.
 *
 * Each method rejects with the `CacheError` that the cache gives. Keyv makes `false` and an event `error` of that for writes, which
 * cache-manager then takes for done: with `throwOnErrors` Keyv 5 passes it on. The store emits `error` itself where `get` or `getMany`
 * fails and somebody listens: Keyv 5 or cache-manager take that for a miss, and say nothing.
 */
export class DurableKeyvStore extends EventEmitter {
  /** Keyv 5 asks here whether a store can be iterated, and knows these dialects alone. It says nothing of the database. */
  readonly opts: Record<string, unknown> = { dialect: 'sqlite', url: 'sqlite://nestjs-durable-cache' };
  /** What Keyv 5 puts before each key; it sets that. Declared only: a store that has the property is to prefix keys itself for Keyv 6. */
  declare namespace?: string;

  readonly #entries: NamespaceCache<string, KeyvItem>;

  /**
   * `entries` is a namespace in use, as `@InjectNamespace(definition)` and `CacheService.namespace(definition)` give it, of a
   * definition that `keyvNamespace()` made. Throws `INVALID_OPTION` for anything else.
   */
  constructor(entries: NamespaceCache<string, KeyvItem>) {
    super();
    if (!KEYV_ITEMS.isOn(entries?.definition?.value)) {
      throw new CacheError(
        'INVALID_OPTION',
        'new DurableKeyvStore() takes a namespace that keyvNamespace() declares, in use: inject it with @InjectNamespace(definition), or ' +
          'take it from CacheService.namespace(definition).',
        { option: 'entries' },
      );
    }
    this.#entries = entries;
  }

  /** What is stored under `key`, `undefined` for nothing. */
  async get<Value>(key: string): Promise<Value | undefined> {
    try {
      const stored = storedKeyOf(key);
      return dataOf(key, stored, await this.#entries.get(stored)) as Value | undefined;
    } catch (error) {
      throw this.#emitted(error);
    }
  }

  /** The same of several, in their order. */
  async getMany<Value>(keys: string[]): Promise<(Value | undefined)[]> {
    try {
      return (await this.#dataOf(keys)) as (Value | undefined)[];
    } catch (error) {
      throw this.#emitted(error);
    }
  }

  /**
   * Stores a value as durably as the namespace's level says; `true` when it has. `ttl` is in milliseconds, a fraction counts as a whole
   * one; without it the `ttlMs` of the namespace applies. A negative one removes the entry, which is over already. One that ends
   * after the last date there is never ends.
   */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const stored = storedKeyOf(key);
    if (typeof ttl === 'number' && ttl < 0) {
      await this.#entries.delete(stored);
      return true;
    }
    const item: KeyvItem = stored === key ? [value] : [value, key];
    await this.#entries.set(stored, item, ttl === 0 ? undefined : { ttlMs: ttlMsOf(ttl) });
    return true;
  }

  /**
   * Stores entries, each a write of its own; writes at the same time share commits. Rejects when one of them was not stored; the
   * others are. Resolves to `true` for each: Keyv passes that on, though its types have it as nothing in version 5.
   */
  // oxlint-disable-next-line typescript/no-explicit-any
  async setMany(entries: KeyvStoreEntry[]): Promise<any> {
    const writes = entries.map(({ key, value, ttl }) => this.set(key, value, ttl));
    const outcomes = await Promise.allSettled(writes);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    return outcomes.map(() => true);
  }

  /** Removes an entry; whether there was one. */
  async delete(key: string): Promise<boolean> {
    return this.#entries.delete(storedKeyOf(key));
  }

  /** Removes entries; whether there was one at least. */
  async deleteMany(keys: string[]): Promise<boolean> {
    return (await this.#entries.deleteMany(keys.map(storedKeyOf))) > 0;
  }

  /** Removes every entry of Keyv's namespace, or of all where it has none, in one operation. */
  async clear(): Promise<void> {
    if (this.namespace) await this.#entries.deletePrefix(prefixOf(this.namespace));
    else await this.#entries.clear();
  }

  /** Whether there is an entry. */
  async has(key: string): Promise<boolean> {
    return (await this.#dataOf([key]))[0] !== undefined;
  }

  /** The same of several, in their order. */
  async hasMany(keys: string[]): Promise<boolean[]> {
    return (await this.#dataOf(keys)).map((data) => data !== undefined);
  }

  /** Every entry of a namespace of Keyv, or of all, with its whole key, page by page. In memory or not, as `scan` gives them. */
  async *iterator<Value>(namespace?: string): AsyncGenerator<[string, Value], void> {
    const options = namespace ? { prefix: prefixOf(namespace) } : {};
    for await (const [stored, item] of this.#entries.scan(options))
      yield [keyOf(stored, item), item[0] as Value];
  }

  /** Does nothing: the cache belongs to the application, which stops it. */
  async disconnect(): Promise<void> {
    await Promise.resolve();
  }

  async #dataOf(keys: string[]): Promise<unknown[]> {
    const stored = keys.map(storedKeyOf);
    const items = await this.#entries.getMany(stored);
    return keys.map((key, i) => dataOf(key, stored[i] as string, items[i]));
  }

  /** The same error. An event `error` that nobody listens to would be thrown. */
  #emitted(error: unknown): unknown {
    if (this.listenerCount('error') > 0) this.emit('error', error);
    return error;
  }
}

/** The last moment that a date can hold, in milliseconds. */
const LAST_MS = 8.64e15;

/** The time to live of Keyv as the cache takes it. */
function ttlMsOf(ttl: number | undefined): number | undefined {
  if (typeof ttl !== 'number') return ttl;
  return Date.now() + ttl > LAST_MS ? Infinity : Math.ceil(ttl);
}

function keyOf(stored: string, [, key = stored]: KeyvItem): string {
  return key;
}

/** What an item holds for a key. Of another key whose stored form is the same it holds nothing. */
function dataOf(key: string, stored: string, item: KeyvItem | undefined): unknown {
  return item !== undefined && keyOf(stored, item) === key ? item[0] : undefined;
}

/** What the keys of a namespace of Keyv begin with. */
function prefixOf(namespace: string): string {
  const prefix = `${namespace}:`;
  if (prefix.length <= KEPT_LENGTH) return prefix;
  throw new CacheError(
    'INVALID_OPTION',
    `A namespace of Keyv has at most ${KEPT_LENGTH - 1} characters here, so that the stored form of a long key begins with it. Use a shorter one.`,
    { option: 'namespace' },
  );
}
