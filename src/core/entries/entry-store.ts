import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import type { MemoryKey } from '../keys/key-space.js';
import { Snapshot } from '../values/snapshot.js';
import type { ValueCodec } from '../values/value-codec.js';

/** What a slot of the LRU holds: the value itself, or the snapshot it is still to be decoded from. */
type Slot<V> = V | Snapshot<V>;

export interface EntryStoreOptions<V> {
  readonly maxEntries: number;
  readonly maxBytes: number | undefined;
  readonly clock: Clock;
  readonly codec: ValueCodec<V>;
  /** Called after an entry left to make room (not when it was replaced, deleted or expired). */
  readonly onEvict: (key: MemoryKey) => void;
}

/** The entries of a namespace that are in memory: an LRU without a wrapper object per entry. */
export class EntryStore<V> {
  readonly #lru: LRUCache<MemoryKey, Slot<V> & {}>;
  readonly #codec: ValueCodec<V>;
  readonly #clock: Clock;
  readonly #measured: boolean;
  readonly #onEvict: (key: MemoryKey) => void;

  constructor(options: EntryStoreOptions<V>) {
    const { maxEntries, maxBytes, clock, onEvict } = options;
    this.#codec = options.codec;
    this.#clock = clock;
    this.#onEvict = onEvict;
    this.#measured = maxBytes !== undefined;
    this.#lru = new LRUCache({
      max: maxEntries,
      ...(maxBytes === undefined ? {} : { maxSize: maxBytes }),
      perf: clock,
      // Ask the clock each time: a cached reading is refreshed by a timer of the LRU's own, which no test could own.
      ttlResolution: 0,
      noDisposeOnSet: true,
      dispose: (_slot, key, reason) => {
        if (reason === 'evict') onEvict(key);
      },
    });
  }

  get size(): number {
    return this.#lru.size;
  }

  get bytes(): number {
    return this.#lru.calculatedSize;
  }

  /** The value of `key`, made the most recently used one. */
  get(key: MemoryKey): V | undefined {
    const slot = this.#lru.get(key);
    return slot instanceof Snapshot ? this.#thaw(key, slot) : slot;
  }

  has(key: MemoryKey): boolean {
    return this.#lru.has(key);
  }

  /** When `key` expires, in wall-clock ms; `null` for never. */
  expiresAt(key: MemoryKey): number | null {
    const remaining = this.#lru.getRemainingTTL(key);
    return remaining === Infinity ? null : this.#clock.now() + remaining + 1;
  }

  /** Holds a snapshot, to be decoded at its first read. */
  putSnapshot(key: MemoryKey, snapshot: Snapshot<V>): void {
    const slot = snapshot.isShared ? snapshot.read(this.#codec) : snapshot;
    this.#put(key, slot, snapshot.expiresAt, this.#measured ? byteLength(snapshot.text) : 0);
  }

  /** Holds a value as it is. `size` in bytes counts where `maxBytes` is set. */
  putValue(key: MemoryKey, value: V, expiresAt: number | null, size: number): void {
    this.#put(key, value, expiresAt, size);
  }

  delete(key: MemoryKey): boolean {
    return this.#lru.delete(key);
  }

  clear(): void {
    this.#lru.clear();
  }

  /** Keys in memory that have not expired, most recently used first. */
  keys(): Iterable<MemoryKey> {
    return this.#lru.keys();
  }

  /** The value of `key` without touching its recency. */
  peek(key: MemoryKey): V | undefined {
    const slot = this.#lru.peek(key);
    return slot instanceof Snapshot ? slot.read(this.#codec) : slot;
  }

  #put(key: MemoryKey, slot: Slot<V>, expiresAt: number | null, size: number): void {
    if (expiresAt === null && !this.#measured) {
      // The options object is left out where it would say nothing: the common case, and the hot one.
      this.#lru.set(key, slot as Slot<V> & {});
      return;
    }
    const now = this.#clock.now();
    if (expiresAt !== null && expiresAt <= now) {
      this.#lru.delete(key);
      return;
    }
    this.#lru.set(key, slot as Slot<V> & {}, {
      // The LRU drops an entry once it is older than its ttl; starting 1 ms early makes that "at expiresAt".
      ...(expiresAt === null ? {} : { ttl: expiresAt - now, start: now - 1 }),
      ...(this.#measured ? { size: Math.max(1, size) } : {}),
    });
    // Larger than the whole cache: the LRU took nothing, which is an eviction to everybody else.
    if (this.#measured && size > this.#lru.maxSize) this.#onEvict(key);
  }

  /** Decodes at first read, and keeps the value in the snapshot's place when it may be shared. */
  #thaw(key: MemoryKey, snapshot: Snapshot<V>): V {
    const value = snapshot.read(this.#codec);
    if (snapshot.isShared) this.putSnapshot(key, snapshot);
    return value;
  }
}

export function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}
