import type { EngineContext } from '../../context.js';
import { ABSENT, present, type KnownValue } from '../../entries/known-value.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import type { NamespaceCounters } from '../../definition/namespace-stats.js';
import type { FlushReport, LoadReport } from '../../reports.js';
import type { RescuedWrite } from '../../rescue/rescue-journal.js';
import type { CacheStorageAdapter } from '../../storage-adapter.js';
import { HeldValue, StoredValue } from '../../values/stored-value.js';
import type { StorageHealth } from '../../writing/storage-health.js';
import type { WriteTurns } from '../../writing/write-turns.js';
import { AwaitingOps, type KnownOp } from './awaiting-ops.js';
import { SerialQueue } from '../../serial-queue.js';
import type { DirtyBudget } from './dirty-budget.js';
import { expiryOf, changeOf, REMOVAL, textOf, type RowChange } from './row-change.js';
import { DirtyEntries } from './dirty-entries.js';
import { closedError, type Persistence, type Updater } from '../persistence.js';
import { RowLoader } from '../../entries/row-loader.js';
import { ValueEncoder } from '../../entries/value-encoder.js';
import { Flusher } from './flusher.js';

/** This many dirty entries are written without waiting for the next checkpoint. */
const FLUSH_AT = 10_000;
/** What a write that took effect at once resolves to. */
const DONE: Promise<void> = Promise.resolve();

export interface WriteBackOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly entries: PersistedEntries<V>;
  readonly storage: CacheStorageAdapter;
  readonly writer: WriteTurns;
  readonly budget: DirtyBudget;
  readonly health: StorageHealth;
  readonly counters: NamespaceCounters;
  readonly context: EngineContext;
}

/**
 * `ON_SHUTDOWN`: a write takes effect and is acknowledged in memory, and leaves an change (the last one of each key)
 * that the flusher writes to the database: at checkpoints, when dirty entries are evicted or grow many, and at the stop.
 */
export class WriteBack<V> implements Persistence<V> {
  readonly #values: ValueEncoder<V>;
  readonly #dirty: DirtyEntries;
  readonly #line = new SerialQueue();
  readonly #awaiting: AwaitingOps<V>;
  readonly #loader: RowLoader<V>;
  readonly #flusher: Flusher;
  #closed = false;
  /** Set when what is unwritten has been gathered for the last time: nothing may be acknowledged after that. */
  #ended = false;

  constructor(private readonly options: WriteBackOptions<V>) {
    const { definition, entries, budget, context } = options;
    this.#values = new ValueEncoder(definition, context.clock);
    this.#dirty = new DirtyEntries(budget, context.clock);
    this.#awaiting = new AwaitingOps(entries.reader, budget);
    this.#loader = new RowLoader({
      ...options,
      unsaved: () => this.#dirty.keys(),
      isCleared: () => this.#dirty.clearing !== undefined,
    });
    this.#flusher = new Flusher(options, this.#dirty);
    entries.onEvict = (key) => {
      if (this.#dirty.get(key) !== undefined) this.#flusher.flushSoon();
    };
  }

  get dirty(): number {
    return this.#dirty.dirty;
  }

  get waiting(): number {
    return this.#line.length;
  }

  get oldestUnwrittenMs(): number {
    return this.#dirty.oldestMs;
  }

  get refused(): number {
    return this.#dirty.refusedCount;
  }

  recall(key: MemoryKey): V | undefined {
    const change = this.#dirty.get(key);
    const text = change === undefined ? undefined : this.#liveText(change);
    if (change === undefined || text === undefined) return undefined;
    // Evicted, but not written yet: back into memory it goes.
    const snapshot = new StoredValue<V>(text, expiryOf(change));
    const value = snapshot.read(this.options.definition.value);
    this.options.entries.store.putSnapshot(key, snapshot);
    return value;
  }

  get(key: MemoryKey): Promise<V | undefined> {
    return this.#withFound(key, (found) => ({ result: this.#valueOf(found), found }), 'read');
  }

  check(value: V): void {
    this.#values.text(value);
  }

  asStored(value: V): V {
    return this.#values.restored(value);
  }

  set(key: MemoryKey, value: V, ttlMs: number | undefined): Promise<void> {
    try {
      // At the call, also where the write has to wait: what becomes of the object then is not what was set.
      const text = this.#values.text(value);
      return this.#inOrder([key], () => {
        const expiresAt = this.#values.expiry(ttlMs);
        if (this.options.entries.reader.hasWriter(key)) {
          const put = (): void => this.#put(key, text, expiresAt);
          return this.#awaiting.writeBehind(key, new StoredValue<V>(text, expiresAt), put);
        }
        this.#put(key, text, expiresAt);
        return DONE;
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  update(key: MemoryKey, fn: Updater<V>, ttlMs: number | undefined): Promise<V> {
    return this.#inOrder([key], () =>
      this.#withFound(key, (found, current) => {
        const before = this.#valueOf(found);
        const expiresAt = found.kind === 'present' ? found.snapshot.expiresAt : null;
        const snapshot = this.#values.updated(before, expiresAt, fn, ttlMs);
        if (snapshot === undefined) return { result: before as V, found };
        const result = snapshot.read(this.options.definition.value);
        if (current) this.#keep(key, snapshot);
        return { result, found: present(snapshot) };
      }),
    );
  }

  delete(key: MemoryKey): Promise<boolean> {
    return this.#inOrder([key], () =>
      this.#withFound(key, (found, current) => {
        const existed = found.kind !== 'absent';
        if (current && existed) this.#remove(key);
        return { result: existed, found: ABSENT };
      }),
    );
  }

  rename(from: MemoryKey, to: MemoryKey): Promise<boolean> {
    const move = (found: KnownValue<V>): boolean => {
      if (this.#valueOf(found) === undefined || found.kind !== 'present') return false;
      if (from === to) return true;
      // Before anything is removed: to make the text of a value that is held without it is up to its codec.
      const { text, expiresAt } = found.snapshot;
      this.#remove(from);
      this.#put(to, text, expiresAt);
      this.#dirty.tie(from, to);
      return true;
    };
    // While the database is asked, neither key must be written to: such a rename holds the line.
    const { reader } = this.options.entries;
    const holdsLine = this.#known(from) === undefined || reader.hasWriter(from) || reader.hasWriter(to);
    return this.#inOrder(
      [from, to],
      async () => {
        if (reader.hasWriter(to)) await this.#withFound(to, (found) => ({ result: undefined, found }));
        return this.#withFound(from, (found, current) => {
          const moved = current ? move(found) : this.#valueOf(found) !== undefined;
          return { result: moved, found: moved && from !== to ? ABSENT : found };
        });
      },
      holdsLine,
    );
  }

  clear(): Promise<void> {
    const clear = (): void => {
      this.#assertNotEnded();
      this.#dirty.clear();
      this.options.entries.applyClear();
    };
    if (!this.#awaiting.hasWrites) return this.#inOrder([], clear);
    // What those writes build on must be read before the rows go.
    const afterWrites = async (): Promise<void> => {
      await this.#awaiting.writesSettled();
      clear();
    };
    return this.#inOrder([], afterWrites, true);
  }

  flush(): Promise<FlushReport> {
    return this.#flusher.flush();
  }

  load(): Promise<LoadReport> {
    return this.#loader.load();
  }

  unwritten(): RescuedWrite[] {
    return this.#flusher.unwritten();
  }

  close(): void {
    this.#closed = true;
  }

  end(): void {
    this.#ended = true;
    this.#flusher.end();
  }

  async settled(): Promise<void> {
    await this.#line.settled();
    await this.#awaiting.settled();
  }

  /**
   * Runs a write in its place: at once where it can take effect at once, else in line. An operation called later never
   * overtakes one called earlier.
   */
  #inOrder<T>(keys: readonly MemoryKey[], op: () => T | Promise<T>, holdsLine = false): Promise<T> {
    if (this.#closed) return Promise.reject(closedError(this.options.definition.name));
    if (!holdsLine && this.#line.idle && this.#hasRoomFor(keys)) {
      try {
        return Promise.resolve(op());
      } catch (error) {
        return Promise.reject(error);
      }
    }
    return this.#line.run(async () => {
      while (!this.#hasRoomFor(keys)) await this.options.budget.room();
      return op();
    });
  }

  #hasRoomFor(keys: readonly MemoryKey[]): boolean {
    return keys.every((key) => this.#dirty.hasRoomFor(key));
  }

  /** Runs `op` on what there is of `key`: at once when memory knows, else when the database has answered. */
  #withFound<T>(key: MemoryKey, op: KnownOp<V, T>, kind: 'read' | 'write' = 'write'): Promise<T> {
    const known = this.options.entries.reader.hasWriter(key) ? undefined : this.#known(key);
    if (known === undefined) return this.#awaiting[kind](key, op);
    try {
      return Promise.resolve(op(known, true).result);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** What memory and the changes know of `key`; `undefined` where only the database can tell. */
  #known(key: MemoryKey): KnownValue<V> | undefined {
    const { entries, definition } = this.options;
    const value = entries.store.peek(key);
    if (value !== undefined) {
      return present(new HeldValue(value, entries.store.expiresAt(key), definition.value));
    }
    const change = this.#dirty.get(key);
    if (change !== undefined) {
      const text = this.#liveText(change);
      return text === undefined ? ABSENT : present(new StoredValue(text, expiryOf(change)));
    }
    return this.#dirty.clearing !== undefined || entries.isKnownAbsent(key) ? ABSENT : undefined;
  }

  #valueOf(found: KnownValue<V>): V | undefined {
    if (found.kind === 'unreadable') throw found.error;
    return found.kind === 'absent' ? undefined : found.snapshot.read(this.options.definition.value);
  }

  /** What an change stores, unless that has expired. */
  #liveText(change: RowChange): string | undefined {
    const expiresAt = expiryOf(change);
    const isExpired = expiresAt !== null && expiresAt <= this.options.context.clock.now();
    return isExpired ? undefined : textOf(change);
  }

  // A write takes effect in memory, and leaves the change.

  #put(key: MemoryKey, text: string, expiresAt: number | null): void {
    this.#leave(key, changeOf(text, expiresAt));
    this.options.entries.applyText(key, text, expiresAt);
  }

  /** As {@link #put}, for a value that is decoded already. */
  #keep(key: MemoryKey, snapshot: StoredValue<V>): void {
    this.#leave(key, changeOf(snapshot.text, snapshot.expiresAt));
    this.options.entries.applyWrite(key, snapshot);
  }

  #remove(key: MemoryKey): void {
    this.#leave(key, REMOVAL);
    this.options.entries.applyWrite(key, undefined);
  }

  #leave(key: MemoryKey, change: RowChange): void {
    this.#assertNotEnded();
    this.#dirty.put(key, change);
    if (this.#dirty.size >= FLUSH_AT) this.#flusher.flushSoon();
  }

  #assertNotEnded(): void {
    if (this.#ended) throw closedError(this.options.definition.name);
  }
}
