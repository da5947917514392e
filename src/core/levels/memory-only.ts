import { CacheError } from '../cache-error.js';
import type { EntryStore } from '../entries/entry-store.js';
import type { InFlight } from '../entries/in-flight.js';
import type { EngineContext } from '../context.js';
import type { MemoryKey } from '../keys/key-space.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { KeyRange } from '../keys/key-range.js';
import type { KeySpace } from '../keys/key-space.js';
import type { EntryPages, Listing } from '../listing/entry-pages.js';
import { MemoryPages } from '../listing/memory-pages.js';
import type { FlushReport } from '../reports.js';
import { ValueEncoder } from '../entries/value-encoder.js';
import type { Decide } from '../values/decision.js';
import { HeldValue, type StoredValue } from '../values/stored-value.js';
import { DONE, type Level, type LevelFigures } from './level.js';

const NOTHING_FLUSHED: FlushReport = Object.freeze({
  written: 0,
  failed: 0,
  remaining: 0,
  durationMs: 0,
  error: undefined,
});
const NOTHING_DIRTY: LevelFigures = Object.freeze({
  dirty: 0,
  dirtyBytes: 0,
  waiting: 0,
  waitingBytes: 0,
  oldestUnwrittenMs: 0,
  refused: 0,
});

/** Keeps values as they are. */
class ValueKeeper<V> extends ValueEncoder<V> {
  override storedUntil(value: V, expiresAt: number | null): StoredValue<V> {
    return new HeldValue(value, expiresAt, this.definition.value);
  }

  override renewed(stored: StoredValue<V>, expiresAt: number | null): StoredValue<V> {
    return this.storedUntil(stored.read(this.definition.value), expiresAt);
  }

  /** An updater may change the very object that is kept, and give it back. */
  protected override isFixed(): boolean {
    return false;
  }

  override copies(value: V): () => V {
    return () => value;
  }
}

/** `MEMORY_ONLY`: a write takes effect and is acknowledged in memory, at the call. Values are kept as they are. */
export class MemoryOnly<V> implements Level<V> {
  readonly values: ValueEncoder<V>;
  /** The writes that a decision under way has called: they come after it, as on the other levels. */
  #called: (() => void)[] | undefined;

  constructor(
    private readonly definition: NamespaceDefinition<unknown, V>,
    private readonly store: EntryStore<V>,
    private readonly inFlight: InFlight,
    private readonly keys: KeySpace<unknown>,
    private readonly context: EngineContext,
  ) {
    this.values = new ValueKeeper(definition, context.clock);
  }

  figures(): LevelFigures {
    return NOTHING_DIRTY;
  }

  recall(): undefined {
    return undefined;
  }

  async get(): Promise<V | undefined> {
    return undefined;
  }

  async expiresAt(): Promise<undefined> {
    return undefined;
  }

  async refresh(key: MemoryKey): Promise<V | undefined> {
    return this.store.peek(key);
  }

  set(key: MemoryKey, value: V, ttlMs: number | undefined): Promise<void> {
    if (this.#called !== undefined) return this.prepare(key, value, ttlMs)();
    this.#put(key, value, this.values.expiry(ttlMs));
    return DONE;
  }

  prepare(key: MemoryKey, value: V, ttlMs: number | undefined): () => Promise<void> {
    const size = this.#sizeOf(value);
    return () => this.#inTurn(() => this.#putSized(key, value, this.values.expiry(ttlMs), size));
  }

  modify<R>(key: MemoryKey, decide: Decide<V, R>): Promise<R> {
    return this.#inTurn(() => {
      const { value: codec } = this.definition;
      const current = this.store.peek(key);
      const stored =
        current === undefined ? undefined : new HeldValue(current, this.store.expiresAt(key), codec);
      const called: (() => void)[] = [];
      this.#called = called;
      try {
        const { next, result } = decide(current, stored);
        if (next === null) this.#remove(key);
        else if (next !== undefined) this.#put(key, next.read(codec), next.expiresAt);
        return result;
      } finally {
        this.#called = undefined;
        for (const write of called) write();
      }
    });
  }

  delete(key: MemoryKey): Promise<boolean> {
    return this.#inTurn(() => this.store.has(key) && this.store.delete(key));
  }

  rename(from: MemoryKey, to: MemoryKey): Promise<boolean> {
    return this.#inTurn(() => {
      const value = this.store.peek(from);
      if (value === undefined) return false;
      const expiresAt = this.store.expiresAt(from);
      // In this order: a value that is refused leaves everything as it was.
      this.#put(to, value, expiresAt);
      if (from !== to) this.store.delete(from);
      return true;
    });
  }

  clear(): Promise<void> {
    return this.#inTurn(() => this.store.clear());
  }

  async count(): Promise<number> {
    let count = 0;
    for (const _ of this.store.keys()) count += 1;
    return count;
  }

  pages(listing: Listing): EntryPages<V> {
    return new MemoryPages(this.store, this.keys, this.context.clock, listing);
  }

  removeRange(range: KeyRange): Promise<number> {
    return this.#inTurn(() => {
      const those = Array.from(this.store.keys()).filter((key) => this.keys.isIn(key, range));
      for (const key of those) this.store.delete(key);
      return those.length;
    });
  }

  async flush(): Promise<FlushReport> {
    return NOTHING_FLUSHED;
  }

  /** Makes a write at once, or after the decision that has called it. */
  async #inTurn<T>(write: () => T): Promise<T> {
    const called = this.#called;
    if (called === undefined) return write();
    return new Promise((resolve, reject) => {
      called.push(() => {
        try {
          resolve(write());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #remove(key: MemoryKey): void {
    this.inFlight.supersede(key);
    this.store.delete(key);
  }

  #put(key: MemoryKey, value: V, expiresAt: number | null): void {
    this.#putSized(key, value, expiresAt, this.#sizeOf(value));
  }

  #putSized(key: MemoryKey, value: V, expiresAt: number | null, size: number): void {
    this.inFlight.supersede(key);
    this.store.putValue(key, value, expiresAt, size);
  }

  /** A value is encoded only to know its size, and only where the namespace bounds that. */
  #sizeOf(value: V): number {
    const { name, maxBytes } = this.definition;
    if (maxBytes === undefined) return 0;
    const size = this.values.size(value);
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
