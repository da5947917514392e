import type { EngineContext } from '../engine/engine-context.js';
import { ABSENT, present, type Found } from '../entries/found.js';
import type { PersistedEntries } from '../entries/persisted-entries.js';
import type { KeySpace, MemoryKey } from '../keys/key-space.js';
import type { NamespaceDefinition } from '../namespace/namespace-definition.js';
import type { NamespaceCounters } from '../namespace/namespace-stats.js';
import type { FlushReport, LoadReport } from '../reports.js';
import type { RescuedWrite } from '../rescue/rescue-journal.js';
import type { CacheStorageAdapter } from '../storage-adapter.js';
import { HeldSnapshot, Snapshot } from '../values/snapshot.js';
import type { StorageHealth } from '../writer/storage-health.js';
import type { Writer } from '../writer/writer.js';
import { OpLine } from './op-line.js';
import type { PendingBudget } from './pending-budget.js';
import { Deletion, PendingWrites, type Intent } from './pending-writes.js';
import { closedError, type Persistence, type Updater } from './persistence.js';
import { RowLoader } from './row-loader.js';
import { ValueWriter } from './value-writer.js';
import { WriteBackFlusher } from './write-back-flusher.js';

/** This many dirty entries are written without waiting for the next checkpoint. */
const FLUSH_AT = 10_000;

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
  readonly #pending: PendingWrites<V>;
  readonly #line = new OpLine();
  readonly #flusher: WriteBackFlusher<V>;
  #closed = false;
  /** Set when what is unwritten has been gathered for the last time: nothing may be acknowledged after that. */
  #ended = false;
  /** Operations that wait for a read. */
  readonly #reading = new Set<Promise<unknown>>();

  constructor(private readonly options: WriteBackOptions<V>) {
    const { definition, entries, budget, context } = options;
    this.#values = new ValueWriter(definition, context.clock);
    this.#pending = new PendingWrites(budget, context.clock);
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

  getIfPresent(key: MemoryKey): V | undefined {
    const { store } = this.options.entries;
    const value = store.get(key);
    if (value !== undefined) return value;
    // Evicted, but not written yet: back into memory it goes.
    const intent = this.#pending.get(key);
    if (!(intent instanceof Snapshot) || this.#isExpired(intent)) return undefined;
    store.putSnapshot(key, intent);
    return intent.read(this.options.definition.value);
  }

  get(key: MemoryKey): Promise<V | undefined> {
    return this.#withFound(key, (found) => ({ result: this.#valueOf(found), found }), false);
  }

  check(value: V): void {
    this.#values.encode(value);
  }

  set(key: MemoryKey, value: V, ttlMs: number | undefined): Promise<void> {
    return this.#inOrder([key], () => {
      const snapshot = this.#values.snapshot(value, ttlMs);
      if (this.options.entries.reader.hasWriter(key)) return this.#writeBehind(key, snapshot);
      this.#write(key, snapshot);
      return Promise.resolve();
    });
  }

  update(key: MemoryKey, fn: Updater<V>, ttlMs: number | undefined): Promise<V> {
    return this.#inOrder([key], () =>
      this.#withFound(key, (found, current) => {
        const before = this.#valueOf(found);
        const expiresAt = found.kind === 'present' ? found.snapshot.expiresAt : null;
        const snapshot = this.#values.updated(before, expiresAt, fn, ttlMs);
        if (snapshot === undefined) return { result: before as V, found };
        const result = snapshot.read(this.options.definition.value);
        if (current) this.#write(key, snapshot);
        return { result, found: present(snapshot) };
      }),
    );
  }

  delete(key: MemoryKey): Promise<boolean> {
    return this.#inOrder([key], () =>
      this.#withFound(key, (found, current) => {
        const existed = found.kind !== 'absent';
        if (current && existed) this.#write(key, new Deletion());
        return { result: existed, found: ABSENT };
      }),
    );
  }

  rename(from: MemoryKey, to: MemoryKey): Promise<boolean> {
    const move = (found: Found<V>): boolean => {
      if (this.#valueOf(found) === undefined || found.kind !== 'present') return false;
      if (from === to) return true;
      this.#write(from, new Deletion());
      this.#write(to, new Snapshot(found.snapshot.text, found.snapshot.expiresAt));
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
    return this.#inOrder([], () => {
      this.#assertNotEnded();
      this.#pending.clear();
      this.options.entries.cleared();
    });
  }

  flush(): Promise<FlushReport> {
    return this.#flusher.flush();
  }

  load(): Promise<LoadReport> {
    const { definition, entries, storage, context } = this.options;
    if (this.#pending.clearing !== undefined) {
      // The rows are as good as gone: memory already holds all there is.
      return Promise.resolve({ rows: 0, skipped: 0, durationMs: 0 });
    }
    return new RowLoader({
      definition,
      entries,
      storage,
      clock: context.clock,
      logger: context.logger,
      unsaved: () => this.#pending.keys(),
    }).load();
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
    await Promise.allSettled(this.#reading);
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

  /** Runs `handle` on what there is of `key`: at once when memory knows, else when the database has answered. */
  #withFound<T>(
    key: MemoryKey,
    handle: (found: Found<V>, current: boolean) => { result: T; found: Found<V> },
    writes = true,
  ): Promise<T> {
    const { budget, entries } = this.options;
    const known = entries.reader.hasWriter(key) ? undefined : this.#known(key);
    if (known !== undefined) {
      try {
        return Promise.resolve(handle(known, true).result);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const answered = new Promise<T>((resolve, reject) => {
      entries.reader.read(
        key,
        (found, current) => {
          try {
            const handled = handle(found, current);
            resolve(handled.result);
            return handled.found;
          } catch (error) {
            reject(error);
            return found;
          }
        },
        reject,
        writes,
      );
    });
    // What the write will take of the budget is taken now: many that wait must not go over it together.
    if (writes) budget.take();
    this.#reading.add(answered);
    const done = (): void => {
      this.#reading.delete(answered);
      if (writes) budget.release(1);
    };
    answered.then(done, done);
    return answered;
  }

  /** Writes after what waits for the database, whatever becomes of that. */
  #writeBehind(key: MemoryKey, snapshot: Snapshot<V>): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      const write = (): void => {
        try {
          this.#write(key, snapshot);
          resolve();
        } catch (error) {
          reject(error);
        }
      };
      this.options.entries.reader.read(
        key,
        (_found, current) => {
          if (current) write();
          else resolve();
          return present(snapshot);
        },
        write,
        true,
      );
    });
    this.#reading.add(written);
    const done = (): void => void this.#reading.delete(written);
    written.then(done, done);
    return written;
  }

  /** What memory and the intents know of `key`; `undefined` where only the database can tell. */
  #known(key: MemoryKey): Found<V> | undefined {
    const { entries, definition } = this.options;
    const intent = this.#pending.get(key);
    if (intent instanceof Snapshot) return this.#isExpired(intent) ? ABSENT : present(intent);
    if (intent !== undefined) return ABSENT;
    const value = entries.store.peek(key);
    if (value !== undefined) {
      return present(new HeldSnapshot(value, entries.store.expiresAt(key), definition.value));
    }
    return this.#pending.clearing !== undefined || entries.isKnownAbsent(key) ? ABSENT : undefined;
  }

  #valueOf(found: Found<V>): V | undefined {
    if (found.kind === 'unreadable') throw found.error;
    return found.kind === 'absent' ? undefined : found.snapshot.read(this.options.definition.value);
  }

  #isExpired(snapshot: Snapshot<V>): boolean {
    return snapshot.expiresAt !== null && snapshot.expiresAt <= this.options.context.clock.now();
  }

  /** Takes effect in memory, and leaves the intent. */
  #write(key: MemoryKey, intent: Intent<V>): void {
    this.#assertNotEnded();
    this.#pending.put(key, intent);
    this.options.entries.written(key, intent instanceof Snapshot ? intent : undefined);
    if (this.#pending.size >= FLUSH_AT) this.#flusher.flushSoon();
  }

  #assertNotEnded(): void {
    if (this.#ended) throw closedError(this.options.definition.name);
  }
}
