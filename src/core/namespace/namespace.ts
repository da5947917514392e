import type { Clock } from '../clock.js';
import type { EntryStore } from '../entries/entry-store.js';
import type { InFlight } from '../entries/in-flight.js';
import type { KeySpace, MemoryKey } from '../keys/key-space.js';
import { DONE, type Level } from '../levels/level.js';
import type { KeyPrefix } from '../keys/key-prefix.js';
import { EVERY_KEY } from '../keys/key-range.js';
import type { Listing } from '../listing/entry-pages.js';
import { Scan } from '../listing/scan.js';
import type { FlushReport } from '../reports.js';
import type { Freshness } from '../sharing/freshness.js';
import type { Decide } from '../values/decision.js';
import type { Immutable } from '../values/immutable.js';
import {
  assertEntry,
  assertFunction,
  assertList,
  isFreshAskedIn,
  listingIn,
  newTtlIn,
  timesIn,
  ttlIn,
} from './call-options.js';
import { Decisions } from './decisions.js';
import { PermittedReads } from './permitted-reads.js';
import { assertValue } from './given-value.js';
import type {
  LoadOptions,
  NamespaceCache,
  ReadOptions,
  ScanOptions,
  TouchOptions,
  WriteOptions,
} from './namespace-cache.js';
import type { OtherInstances } from './other-instances.js';
import { ReadThrough } from './read-through.js';
import type { Rejections } from './rejections.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { NamespaceCounters, NamespaceStats } from '../definition/namespace-stats.js';

/** What is said of a load without options. */
const NO_TIMES = Object.freeze({ ttlMs: undefined, timeoutMs: undefined });

/** What is listed without options. */
const EVERYTHING: Listing = Object.freeze({ range: EVERY_KEY, reverse: false, limit: Infinity });

/** The parts of a namespace in use. */
export interface NamespaceParts<K, V> {
  readonly definition: NamespaceDefinition<K, V>;
  readonly keys: KeySpace<K>;
  readonly store: EntryStore<V>;
  readonly inFlight: InFlight;
  readonly level: Level<V>;
  readonly counters: NamespaceCounters;
  readonly clock: Clock;
  readonly rejections: Rejections;
  readonly others: OtherInstances;
}

/**
 * A namespace: checks what comes in, counts, and hands over to its persistence level. Inside, values are
 * plain `V`; that they are shown as `Immutable<V>` is said here and nowhere else.
 */
export class Namespace<K, V> implements NamespaceCache<K, V> {
  readonly definition: NamespaceDefinition<K, V>;
  readonly #keys: KeySpace<K>;
  readonly #store: EntryStore<V>;
  readonly #level: Level<V>;
  readonly #counters: NamespaceCounters;
  readonly #readThrough: ReadThrough<V>;
  readonly #clock: Clock;
  readonly #decisions: Decisions<V>;
  readonly #rejections: Rejections;
  readonly #freshness: Freshness;
  readonly #permitted: PermittedReads;
  readonly #others: OtherInstances;
  readonly #onRejected: (error: unknown) => void;

  constructor(parts: NamespaceParts<K, V>) {
    this.definition = parts.definition;
    this.#keys = parts.keys;
    this.#store = parts.store;
    this.#level = parts.level;
    this.#counters = parts.counters;
    this.#clock = parts.clock;
    this.#decisions = new Decisions(parts.definition, parts.level.values);
    this.#rejections = parts.rejections;
    this.#others = parts.others;
    // Asked by each read: one step less to it.
    this.#freshness = parts.others.freshness;
    this.#permitted = new PermittedReads({ ...parts, namespace: parts.definition.name });
    this.#onRejected = parts.rejections.handlerFor(parts.definition, parts.counters);
    this.#readThrough = new ReadThrough({ ...parts, decisions: this.#decisions });
    // What takes effect supersedes a loader; a delete of what is not there does so, too, and has none.
    parts.inFlight.add(this.#readThrough.calls);
  }

  getIfPresent(key: K): Immutable<V> | undefined {
    if (this.#freshness.isFresh || this.#permitted.isGiven(this.#keys.admit(key))) return this.#present(key);
    this.#counters.misses += 1;
    return undefined;
  }

  async get(key: K, options?: ReadOptions): Promise<Immutable<V> | undefined> {
    if (options !== undefined && isFreshAskedIn(this.definition.name, options)) return this.#getFresh(key);
    if (!this.#freshness.isFresh) await this.#permitted.wait(this.#keys.admit(key));
    const value = this.#present(key);
    return value === undefined ? this.#miss(key) : value;
  }

  async getOrLoad(
    key: K,
    loader: (key: K) => Immutable<V> | Promise<Immutable<V>>,
    options?: LoadOptions,
  ): Promise<Immutable<V>> {
    const { ttlMs, timeoutMs } = options === undefined ? NO_TIMES : timesIn(this.definition.name, options);
    assertFunction(this.definition.name, 'the loader', loader);
    if (!this.#freshness.isFresh) await this.#permitted.wait(this.#keys.admit(key));
    const present = this.#present(key);
    if (present !== undefined) return present;
    const memoryKey = this.#keys.admit(key);
    const load = (): V | Promise<V> => loader(key) as V | Promise<V>;
    return (await this.#readThrough.get(memoryKey, load, ttlMs, timeoutMs)) as Immutable<V>;
  }

  async getMany(keys: Iterable<K>): Promise<(Immutable<V> | undefined)[]> {
    assertList(this.definition.name, 'the keys', keys);
    return Promise.all(Array.from(keys, (key) => this.get(key)));
  }

  async has(key: K): Promise<boolean> {
    return (await this.get(key)) !== undefined;
  }

  async ttl(key: K): Promise<number | null | undefined> {
    const memoryKey = this.#keys.admit(key);
    if (!this.#freshness.isFresh) await this.#permitted.wait(memoryKey);
    const expiresAt = this.#store.has(memoryKey)
      ? this.#store.expiresAt(memoryKey)
      : await this.#level.expiresAt(memoryKey);
    if (typeof expiresAt !== 'number') return expiresAt;
    const left = expiresAt - this.#clock.now();
    return left > 0 ? left : undefined;
  }

  async refresh(key: K): Promise<Immutable<V> | undefined> {
    return (await this.#level.refresh(this.#keys.admit(key))) as Immutable<V> | undefined;
  }

  // No method that writes is an async function: that would make a promise round the one that has a handler, and have none.

  set(key: K, value: Immutable<V>, options?: WriteOptions): Promise<void> {
    let written: Promise<void>;
    try {
      written = this.#set(this.#keys.admit(key), this.#valid(value), ttlIn(this.definition.name, options));
    } catch (error) {
      written = Promise.reject(error);
    }
    // What took effect at its call has nothing to tell: it is not looked after, which costs the fastest writes nothing.
    return written === DONE ? written : this.#rejections.watch(written, this.#onRejected);
  }

  setMany(entries: Iterable<readonly [K, Immutable<V>]>, options?: WriteOptions): Promise<void> {
    return this.#write(async () => {
      const ttlMs = ttlIn(this.definition.name, options);
      assertList(this.definition.name, 'the entries', entries);
      // All of them are checked, and encoded, before the first is stored.
      const prepared = Array.from(entries, (entry) => {
        assertEntry(this.definition.name, entry);
        return this.#level.prepare(this.#keys.admit(entry[0]), this.#valid(entry[1]), ttlMs);
      });
      this.#counters.sets += prepared.length;
      await settleAll(prepared.map((store) => store()));
    });
  }

  update(
    key: K,
    fn: (current: Immutable<V> | undefined) => Immutable<V>,
    options?: WriteOptions,
  ): Promise<Immutable<V>> {
    const { name } = this.definition;
    return this.#modify(key, () => {
      const ttlMs = ttlIn(name, options);
      assertFunction(name, 'the updater', fn);
      return this.#decisions.update(fn as (current: V | undefined) => V, ttlMs);
    }) as Promise<Immutable<V>>;
  }

  setIfAbsent(key: K, value: Immutable<V>, options?: WriteOptions): Promise<boolean> {
    return this.#write(() => {
      const memoryKey = this.#keys.admit(key);
      // Encoded now: what becomes of the object later is not what was given.
      const offered = this.#level.values.stored(this.#valid(value), ttlIn(this.definition.name, options));
      this.#counters.updates += 1;
      return this.#level.modify(memoryKey, this.#decisions.setIfAbsent(offered), offered);
    });
  }

  increment(key: K, by = 1): Promise<number> {
    return this.#modify(key, () => this.#decisions.increment(by));
  }

  touch(key: K, options: TouchOptions): Promise<boolean> {
    return this.#modify(key, () => this.#decisions.touch(newTtlIn(this.definition.name, options)));
  }

  take(key: K): Promise<Immutable<V> | undefined> {
    return this.#write(() => {
      const memoryKey = this.#removed(this.#keys.admit(key));
      return this.#level.modify(memoryKey, this.#decisions.take());
    }) as Promise<Immutable<V> | undefined>;
  }

  delete(key: K): Promise<boolean> {
    return this.#write(() => this.#delete(this.#keys.admit(key)));
  }

  deleteMany(keys: Iterable<K>): Promise<number> {
    return this.#write(async () => {
      assertList(this.definition.name, 'the keys', keys);
      const admitted = Array.from(keys, (key) => this.#keys.admit(key));
      const existed = await settleAll(admitted.map((key) => this.#delete(key)));
      return existed.filter(Boolean).length;
    });
  }

  rename(from: K, to: K): Promise<boolean> {
    return this.#write(() => {
      const source = this.#keys.admit(from);
      const target = this.#keys.admit(to);
      this.#readThrough.calls.supersede(source);
      this.#readThrough.calls.supersede(target);
      return this.#level.rename(source, target);
    });
  }

  clear(): Promise<void> {
    return this.#write(() => {
      this.#readThrough.calls.supersedeAll();
      return this.#level.clear();
    });
  }

  deletePrefix(prefix: KeyPrefix<K>): Promise<number> {
    return this.#write(async () => {
      const range = this.#keys.range(prefix);
      if (range.isWhole) {
        const key = this.#keys.parse(range.prefix);
        return key !== undefined && (await this.#delete(key)) ? 1 : 0;
      }
      this.#readThrough.calls.supersedeWhere((key) => this.#keys.isIn(key, range));
      return this.#level.removeRange(range);
    });
  }

  count(): Promise<number> {
    return this.#level.count();
  }

  scan(options?: ScanOptions<K>): AsyncIterableIterator<[K, Immutable<V>]> {
    if (options === undefined) return this.#scan(EVERYTHING);
    return this.#scan(listingIn(this.definition.name, options, this.#keys));
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<[K, Immutable<V>]> {
    return this.#scan(EVERYTHING);
  }

  get size(): number {
    return this.#store.size;
  }

  *keys(): IterableIterator<K> {
    for (const key of this.#keysNow()) yield this.#keys.keyOf(key);
  }

  *values(): IterableIterator<Immutable<V>> {
    for (const [, value] of this.entries()) yield value;
  }

  *entries(): IterableIterator<[K, Immutable<V>]> {
    for (const key of this.#keysNow()) {
      const value = this.#store.peek(key);
      if (value !== undefined) yield [this.#keys.keyOf(key), value as Immutable<V>];
    }
  }

  [Symbol.iterator](): IterableIterator<[K, Immutable<V>]> {
    return this.entries();
  }

  flush(): Promise<FlushReport> {
    return this.#level.flush();
  }

  stats(): NamespaceStats {
    const { hits, misses, ...counters } = this.#counters;
    return {
      persistenceLevel: this.definition.persistence,
      size: this.#store.size,
      maxSize: this.definition.maxEntries,
      bytes: this.#store.bytes,
      ...this.#level.figures(),
      hits,
      misses,
      hitRate: hits + misses === 0 ? 0 : hits / (hits + misses),
      ...counters,
      backplane: this.#others.backplane,
    };
  }

  #scan(listing: Listing): AsyncIterableIterator<[K, Immutable<V>]> {
    const scan = new Scan(this.#level.pages(listing), listing.limit);
    return scan as unknown as AsyncIterableIterator<[K, Immutable<V>]>;
  }

  /** Fixed at the beginning: a read during the iteration changes the LRU's order, and would keep it going for ever. */
  #keysNow(): MemoryKey[] {
    return Array.from(this.#store.keys());
  }

  /** What memory has of `key`, be it fresh or not. */
  #present(key: K): Immutable<V> | undefined {
    const value = this.#store.get(this.#keys.lookup(key));
    if (value === undefined) return this.#recall(key);
    this.#counters.hits += 1;
    return value as Immutable<V>;
  }

  #recall(key: K): Immutable<V> | undefined {
    const value = this.#level.recall(this.#keys.admit(key));
    if (value === undefined) this.#counters.misses += 1;
    else this.#counters.hits += 1;
    return value as Immutable<V> | undefined;
  }

  /** What there is at some time since the call. */
  async #getFresh(key: K): Promise<Immutable<V> | undefined> {
    const memoryKey = this.#keys.admit(key);
    if (!this.#others.isOpen(memoryKey)) await this.#permitted.waitAnew(memoryKey);
    if (this.#others.isOpen(memoryKey)) {
      this.#counters.misses += 1;
      return this.refresh(key);
    }
    const value = this.#present(key);
    return value === undefined ? this.#miss(key) : value;
  }

  async #miss(key: K): Promise<Immutable<V> | undefined> {
    return (await this.#level.get(this.#keys.admit(key))) as Immutable<V> | undefined;
  }

  /** Makes a write, and looks after its promise. */
  #write<T>(write: () => Promise<T>): Promise<T> {
    let written: Promise<T>;
    try {
      written = write();
    } catch (error) {
      written = Promise.reject(error);
    }
    return this.#rejections.watch(written, this.#onRejected);
  }

  /** Has an entry modified as `decided` says, unless that throws. */
  #modify<R>(key: K, decided: () => Decide<V, R>): Promise<R> {
    return this.#write(() => {
      const memoryKey = this.#keys.admit(key);
      const decide = decided();
      this.#counters.updates += 1;
      return this.#level.modify(memoryKey, decide);
    });
  }

  #set(key: MemoryKey, value: V, ttlMs: number | undefined): Promise<void> {
    this.#counters.sets += 1;
    return this.#level.set(key, value, ttlMs);
  }

  #delete(key: MemoryKey): Promise<boolean> {
    return this.#level.delete(this.#removed(key));
  }

  /** Notes that a key is to be removed, whatever there is of it. */
  #removed(key: MemoryKey): MemoryKey {
    this.#counters.deletes += 1;
    this.#readThrough.calls.supersede(key);
    return key;
  }

  #valid(value: Immutable<V>): V {
    assertValue(this.definition.name, value);
    return value as V;
  }
}

/** Waits for all of them, so that no failure goes unseen, then rejects with the first there was. */
async function settleAll<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
