import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import type { MemoryKey } from '../keys/key-space.js';
import type { Stamp } from '../storage-adapter.js';
import { makeShared } from '../values/copying-codec.js';
import type { StoredValue } from '../values/stored-value.js';
import type { ValueCodec } from '../values/value-codec.js';

/**
 * What a slot of the LRU holds: a value, or null as the mark of one that is not decoded yet. V8 compares a slot with null
 * without touching the object in it; any other comparison touches it, which costs each hit in a large cache one more miss
 * of the processor's cache. A value that is null itself has no text. The types of the LRU don't allow null.
 */
type Slot<V> = V & {};

const ENCODED = null as unknown as object;

export interface EntryStoreOptions<V> {
  readonly maxEntries: number;
  readonly maxBytes: number | undefined;
  readonly clock: Clock;
  readonly codec: ValueCodec<V>;
  /** Whether the stamps of rows are kept beside their values. Default false. */
  readonly keepsStamps?: boolean;
  /** Called after an entry left to make room (not when it was replaced, deleted or expired). */
  readonly onEvict: (key: MemoryKey) => void;
  /** Called for every entry that leaves memory, whatever the reason. One that is replaced may be said to have left before. */
  readonly onLeft?: (key: MemoryKey) => void;
}

/** The entries of a namespace that are in memory: an LRU without a wrapper object per entry. */
export class EntryStore<V> {
  readonly #lru: LRUCache<MemoryKey, Slot<V>>;
  /** The texts of the values that are still to be decoded, and of those that are decoded afresh for each reader. */
  readonly #texts = new Map<MemoryKey, string>();
  /** The stamps of the rows, where they are kept. */
  readonly #stamps: Map<MemoryKey, Stamp> | undefined;
  readonly #codec: ValueCodec<V>;
  readonly #clock: Clock;
  readonly #measured: boolean;
  readonly #onEvict: (key: MemoryKey) => void;
  /** What the LRU is told the time is, while it is asked about a time that was read already. */
  #reading: number | undefined;

  constructor(options: EntryStoreOptions<V>) {
    const { maxEntries, maxBytes, clock, onEvict, onLeft, keepsStamps = false } = options;
    this.#stamps = keepsStamps ? new Map() : undefined;
    this.#codec = options.codec;
    this.#clock = clock;
    this.#onEvict = onEvict;
    this.#measured = maxBytes !== undefined;
    this.#lru = new LRUCache({
      max: maxEntries,
      ...(maxBytes === undefined ? {} : { maxSize: maxBytes }),
      perf: { now: () => this.#reading ?? clock.now() },
      // Ask the clock each time: a cached reading is refreshed by a timer of the LRU's own, which no test could own.
      ttlResolution: 0,
      noDisposeOnSet: true,
      dispose: (slot, key, reason) => {
        if (slot === null) this.#texts.delete(key);
        this.#stamps?.delete(key);
        onLeft?.(key);
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
    return slot === null ? this.#decode(key, true) : slot;
  }

  has(key: MemoryKey): boolean {
    return this.#lru.has(key);
  }

  /** When `key` expires, in wall-clock ms; `null` for never. To the millisecond as it was given: one that is kept must not wander. */
  expiresAt(key: MemoryKey): number | null {
    const now = this.#clock.now();
    this.#reading = now;
    const remaining = this.#lru.getRemainingTTL(key);
    this.#reading = undefined;
    return remaining === Infinity ? null : now + remaining + 1;
  }

  /** The stamp of the row of `key`; `undefined` where it is not kept. */
  stampOf(key: MemoryKey): Stamp | undefined {
    return this.#stamps?.get(key);
  }

  /** Holds a stored value: decoded if it was decoded already, else as text. */
  putStored(key: MemoryKey, stored: StoredValue<V>, stamp = stored.stamp): void {
    if (!stored.isShared) {
      this.putText(key, stored.text, stored.expiresAt, stamp);
      return;
    }
    const size = this.#measured ? byteLength(stored.text) : 0;
    this.putValue(key, stored.read(this.#codec), stored.expiresAt, size);
    this.keepStamp(key, stamp);
  }

  /** Holds an encoded value, to be decoded at its first read. */
  putText(key: MemoryKey, text: string, expiresAt: number | null, stamp?: Stamp): void {
    this.#makeWay(key);
    this.#texts.set(key, text);
    if (!this.#put(key, ENCODED as Slot<V>, expiresAt, this.#measured ? byteLength(text) : 0))
      this.#texts.delete(key);
    this.keepStamp(key, stamp);
  }

  /** Holds a value as it is. `size` in bytes counts where `maxBytes` is set. */
  putValue(key: MemoryKey, value: V, expiresAt: number | null, size: number): void {
    this.#makeWay(key);
    if (this.#texts.size > 0) this.#texts.delete(key);
    this.#put(key, value as Slot<V>, expiresAt, size);
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
    return slot === null ? this.#decode(key, false) : slot;
  }

  /** The text of `key`, where it is kept: `undefined` for an entry that is decoded, too. */
  peekText(key: MemoryKey): string | undefined {
    return this.#texts.size > 0 && this.#lru.has(key) ? this.#texts.get(key) : undefined;
  }

  /** The row of an entry has this stamp now; `undefined` where that is not known. */
  keepStamp(key: MemoryKey, stamp: Stamp | undefined): void {
    if (this.#stamps === undefined) return;
    if (stamp === undefined || !this.#lru.has(key)) this.#stamps.delete(key);
    else this.#stamps.set(key, stamp);
  }

  /** The LRU treats an identical value (null, or an object that grew) as no change, and would keep the old size. */
  #makeWay(key: MemoryKey): void {
    if (this.#measured) this.#lru.delete(key);
  }

  /** Returns whether the LRU took it. */
  #put(key: MemoryKey, slot: Slot<V>, expiresAt: number | null, size: number): boolean {
    if (expiresAt === null && !this.#measured) {
      // No options object in the common case, which is the hot one.
      this.#lru.set(key, slot);
      return true;
    }
    const now = this.#clock.now();
    if (expiresAt !== null && expiresAt <= now) {
      this.#lru.delete(key);
      return false;
    }
    // Larger than the whole cache: counts as an eviction.
    if (this.#measured && size > this.#lru.maxSize) {
      this.#lru.delete(key);
      this.#onEvict(key);
      return false;
    }
    this.#lru.set(key, slot, {
      // The LRU drops an entry once it is older than its ttl; starting 1 ms early makes that "at expiresAt".
      ...(expiresAt === null ? {} : { ttl: expiresAt - now, start: now - 1 }),
      ...(this.#measured ? { size: Math.max(1, size) } : {}),
    });
    return true;
  }

  /** Decodes at first read; with `keeps`, the value takes the text's place when it may be shared. */
  #decode(key: MemoryKey, keeps: boolean): V | undefined {
    const text = this.#texts.get(key);
    if (text === undefined) return null as V;
    let value: V;
    try {
      value = this.#codec.decode(text);
    } catch {
      // It decoded when it was put here. The caller now reads the database, which gives the value or the reason.
      this.#lru.delete(key);
      this.#onEvict(key);
      return undefined;
    }
    // Also of what is not kept: an updater that changed it in place would give it back as if it were what there is.
    const isShareable = makeShared(value, this.#codec);
    if (keeps && isShareable) {
      this.#texts.delete(key);
      this.#lru.set(key, value as Slot<V>, {
        noUpdateTTL: true,
        ...(this.#measured ? { size: Math.max(1, byteLength(text)) } : {}),
      });
    }
    return value;
  }
}

export function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}
