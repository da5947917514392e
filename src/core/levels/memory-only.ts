import { CacheError } from '../cache-error.js';
import { byteLength, EntryStore } from '../entries/entry-store.js';
import type { EngineContext } from '../context.js';
import type { MemoryKey } from '../keys/key-space.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { NamespaceCounters } from '../definition/namespace-stats.js';
import type { FlushReport, LoadReport } from '../reports.js';
import type { Persistence, Updater } from './persistence.js';
import { ValueEncoder } from '../entries/value-encoder.js';

const NOTHING_FLUSHED: FlushReport = Object.freeze({
  written: 0,
  failed: 0,
  remaining: 0,
  durationMs: 0,
  error: undefined,
});
const NOTHING_LOADED: LoadReport = Object.freeze({ rows: 0, skipped: 0, durationMs: 0 });

/** `MEMORY_ONLY`: a write takes effect and is acknowledged in memory, at the call. Values are kept as they are. */
export class MemoryOnly<V> implements Persistence<V> {
  readonly dirty = 0;
  readonly waiting = 0;
  readonly oldestUnwrittenMs = 0;
  readonly refused = 0;
  readonly #values: ValueEncoder<V>;

  constructor(
    private readonly definition: NamespaceDefinition<unknown, V>,
    private readonly store: EntryStore<V>,
    context: EngineContext,
  ) {
    this.#values = new ValueEncoder(definition, context.clock);
  }

  static create<V>(
    definition: NamespaceDefinition<unknown, V>,
    counters: NamespaceCounters,
    context: EngineContext,
  ): { persistence: MemoryOnly<V>; store: EntryStore<V> } {
    const store = new EntryStore<V>({
      maxEntries: definition.maxEntries,
      maxBytes: definition.maxBytes,
      clock: context.clock,
      codec: definition.value,
      onEvict: () => {
        counters.evictions += 1;
      },
    });
    return { persistence: new MemoryOnly(definition, store, context), store };
  }

  recall(): undefined {
    return undefined;
  }

  async get(): Promise<V | undefined> {
    return undefined;
  }

  check(value: V): void {
    this.#sizeOf(value);
  }

  asStored(value: V): V {
    return value;
  }

  async set(key: MemoryKey, value: V, ttlMs: number | undefined): Promise<void> {
    this.#put(key, value, this.#values.expiry(ttlMs));
  }

  async update(key: MemoryKey, fn: Updater<V>, ttlMs: number | undefined): Promise<V> {
    const current = this.store.peek(key);
    const next = this.#values.apply(fn, current);
    const kept = ttlMs === undefined && current !== undefined;
    this.#put(key, next, kept ? this.store.expiresAt(key) : this.#values.expiry(ttlMs));
    return next;
  }

  async delete(key: MemoryKey): Promise<boolean> {
    return this.store.has(key) && this.store.delete(key);
  }

  async rename(from: MemoryKey, to: MemoryKey): Promise<boolean> {
    const value = this.store.peek(from);
    if (value === undefined) return false;
    const expiresAt = this.store.expiresAt(from);
    // In this order: a value that is refused leaves everything as it was.
    this.#put(to, value, expiresAt);
    if (from !== to) this.store.delete(from);
    return true;
  }

  async clear(): Promise<void> {
    this.store.clear();
  }

  async flush(): Promise<FlushReport> {
    return NOTHING_FLUSHED;
  }

  async load(): Promise<LoadReport> {
    return NOTHING_LOADED;
  }

  close(): void {
    // Memory needs no stop: it serves as long as the process does.
  }

  end(): void {
    // Nothing waits here.
  }

  async settled(): Promise<void> {
    // Every operation takes effect at its call.
  }

  unwritten(): [] {
    return [];
  }

  #put(key: MemoryKey, value: V, expiresAt: number | null): void {
    this.store.putValue(key, value, expiresAt, this.#sizeOf(value));
  }

  /** A value is encoded only to know its size, and only where the namespace bounds that. */
  #sizeOf(value: V): number {
    const { name, maxBytes } = this.definition;
    if (maxBytes === undefined) return 0;
    const size = byteLength(this.#values.encode(value));
    if (size > maxBytes) {
      throw new CacheError(
        'INVALID_VALUE',
        `Namespace '${name}': the value takes ${size} bytes, and maxBytes is ${maxBytes}. Raise it or store less.`,
        { namespace: name },
      );
    }
    return size;
  }
}
