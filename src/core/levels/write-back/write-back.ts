import type { EngineContext } from '../../context.js';
import { ABSENT, present, type Found } from '../../entries/known-value.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import type { NamespaceCounters } from '../../definition/namespace-stats.js';
import type { FlushReport, LoadReport } from '../../reports.js';
import type { RescuedWrite } from '../../rescue/rescue-journal.js';
import type { CacheStorageAdapter } from '../../storage-adapter.js';
import { HeldSnapshot, Snapshot } from '../../values/stored-value.js';
import type { StorageHealth } from '../../writing/storage-health.js';
import type { Writer } from '../../writing/write-turns.js';
import { AwaitingOps, type FoundOp } from './awaiting-ops.js';
import { OpLine } from '../../serial-queue.js';
import type { PendingBudget } from './dirty-budget.js';
import { expiryOf, intentOf, REMOVAL, textOf, type Intent } from './row-change.js';
import { PendingWrites } from './dirty-entries.js';
import { closedError, type Persistence, type Updater } from '../persistence.js';
import { RowLoader } from '../../entries/row-loader.js';
import { ValueWriter } from '../../entries/value-encoder.js';
import { WriteBackFlusher } from './flusher.js';

/** This many dirty entries are written without waiting for the next checkpoint. */
const FLUSH_AT = 10_000;
/** What a write that took effect at once resolves to. */
const DONE: Promise<void> = Promise.resolve();

export interface WriteBackOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly entries: PersistedEntries<V>;
  readonly storage: CacheStorageAdapter;
  readonly writer: Writer;
  readonly budget: PendingBudget;
  readonly health: StorageHealth;
  readonly counters: NamespaceCounters;
  readonly context: EngineContext;
}

/**
 * `ON_SHUTDOWN`: a write takes effect and is acknowledged in memory, and leaves an intent (the last one of each key)
 * that the flusher writes to the database: at checkpoints, when dirty entries are evicted or grow many, and at the stop.
 */
export class WriteBack<V> implements Persistence<V> {
  readonly #values: ValueWriter<V>;
  readonly #pending: PendingWrites;
  readonly #line = new OpLine();
  readonly #awaiting: AwaitingOps<V>;
  readonly #loader: RowLoader<V>;
  readonly #flusher: WriteBackFlusher;
  #closed = false;
  /** Set when what is unwritten has been gathered for the last time: nothing may be acknowledged after that. */
  #ended = false;

  constructor(private readonly options: WriteBackOptions<V>) {
    const { definition, entries, budget, context } = options;
    this.#values = new ValueWriter(definition, context.clock);
    this.#pending = new PendingWrites(budget, context.clock);
    this.#awaiting = new AwaitingOps(entries.reader, budget);
    this.#loader = new RowLoader({
      ...options,
      unsaved: () => this.#pending.keys(),
      isCleared: () => this.#pending.clearing !== undefined,
    });
    this.#flusher = new WriteBackFlusher(options, this.#pending);
    entries.onEvict = (key) => {
      if (this.#pending.get(key) !== undefined) this.#flusher.flushSoon();
    };
  }

  get dirty(): number {
    return this.#pending.dirty;
  }

  get pending(): number {
    return this.#line.length;
  }

  get oldestUnwrittenMs(): number {
    return this.#pending.oldestMs;
  }

  get refused(): number {
    return this.#pending.refusedCount;
  }

  recall(key: MemoryKey): V | undefined {
    const intent = this.#pending.get(key);
    const text = intent === undefined ? undefined : this.#liveText(intent);
    if (intent === undefined || text === undefined) return undefined;
    // Evicted, but not written yet: back into memory it goes.
    const snapshot = new Snapshot<V>(text, expiryOf(intent));
    const value = snapshot.read(this.options.definition.value);
    this.options.entries.store.putSnapshot(key, snapshot);
    return value;
  }

  get(key: MemoryKey): Promise<V | undefined> {
    return this.#withFound(key, (found) => ({ result: this.#valueOf(found), found }), 'read');
  }

  check(value: V): void {
    this.#values.encode(value);
  }

  set(key: MemoryKey, value: V, ttlMs: number | undefined): Promise<void> {
    try {
      // At the call, also where the write has to wait: what becomes of the object then is not what was set.
      const text = this.#values.text(value);
      return this.#inOrder([key], () => {
        const expiresAt = this.#values.expiry(ttlMs);
        if (this.options.entries.reader.hasWriter(key)) {
          const put = (): void => this.#put(key, text, expiresAt);
          return this.#awaiting.writeBehind(key, new Snapshot<V>(text, expiresAt), put);
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
    const move = (found: Found<V>): boolean => {
      if (this.#valueOf(found) === undefined || found.kind !== 'present') return false;
      if (from === to) return true;
      this.#remove(from);
      this.#put(to, found.snapshot.text, found.snapshot.expiresAt);
      this.#pending.tie(from, to);
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
      this.#pending.clear();
      this.options.entries.cleared();
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
    return keys.every((key) => this.#pending.hasRoomFor(key));
  }

  /** Runs `op` on what there is of `key`: at once when memory knows, else when the database has answered. */
  #withFound<T>(key: MemoryKey, op: FoundOp<V, T>, kind: 'read' | 'write' = 'write'): Promise<T> {
    const known = this.options.entries.reader.hasWriter(key) ? undefined : this.#known(key);
    if (known === undefined) return this.#awaiting[kind](key, op);
    try {
      return Promise.resolve(op(known, true).result);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** What memory and the intents know of `key`; `undefined` where only the database can tell. */
  #known(key: MemoryKey): Found<V> | undefined {
    const { entries, definition } = this.options;
    const value = entries.store.peek(key);
    if (value !== undefined) {
      return present(new HeldSnapshot(value, entries.store.expiresAt(key), definition.value));
    }
    const intent = this.#pending.get(key);
    if (intent !== undefined) {
      const text = this.#liveText(intent);
      return text === undefined ? ABSENT : present(new Snapshot(text, expiryOf(intent)));
    }
    return this.#pending.clearing !== undefined || entries.isKnownAbsent(key) ? ABSENT : undefined;
  }

  #valueOf(found: Found<V>): V | undefined {
    if (found.kind === 'unreadable') throw found.error;
    return found.kind === 'absent' ? undefined : found.snapshot.read(this.options.definition.value);
  }

  /** What an intent stores, unless that has expired. */
  #liveText(intent: Intent): string | undefined {
    const expiresAt = expiryOf(intent);
    const isExpired = expiresAt !== null && expiresAt <= this.options.context.clock.now();
    return isExpired ? undefined : textOf(intent);
  }

  // A write takes effect in memory, and leaves the intent.

  #put(key: MemoryKey, text: string, expiresAt: number | null): void {
    this.#leave(key, intentOf(text, expiresAt));
    this.options.entries.assigned(key, text, expiresAt);
  }

  /** As {@link #put}, for a value that is decoded already. */
  #keep(key: MemoryKey, snapshot: Snapshot<V>): void {
    this.#leave(key, intentOf(snapshot.text, snapshot.expiresAt));
    this.options.entries.written(key, snapshot);
  }

  #remove(key: MemoryKey): void {
    this.#leave(key, REMOVAL);
    this.options.entries.written(key, undefined);
  }

  #leave(key: MemoryKey, intent: Intent): void {
    this.#assertNotEnded();
    this.#pending.put(key, intent);
    if (this.#pending.size >= FLUSH_AT) this.#flusher.flushSoon();
  }

  #assertNotEnded(): void {
    if (this.#ended) throw closedError(this.options.definition.name);
  }
}
