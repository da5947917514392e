import type { CacheTimer } from '../clock.js';
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
import { Backoff } from '../writer/backoff.js';
import { refusedError, writeFailedError, type StorageHealth } from '../writer/storage-health.js';
import { writeIsolating } from '../writer/write-isolating.js';
import type { Writer, WriteSource } from '../writer/writer.js';
import { OpLine } from './op-line.js';
import type { PendingBudget } from './pending-budget.js';
import { Deletion, PendingWrites, type Intent, type TakenIntent } from './pending-writes.js';
import { closedError, type Persistence, type Updater } from './persistence.js';
import { RowLoader } from './row-loader.js';
import { Sweep } from './sweep.js';
import { UnwrittenAge } from './unwritten-age.js';
import { ValueWriter } from './value-writer.js';

/** Most entries in one transaction: its commit holds a SQLite connection for some tens of milliseconds. */
const BATCH_SIZE = 10_000;
/** This many dirty entries are written without waiting for the next checkpoint. */
const FLUSH_AT = 10_000;
const MAX_BACKOFF_MS = 30_000;

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
 * that sweeps write to the database: at checkpoints, when dirty entries are evicted or grow many, and at the stop. An
 * intent is forgotten only when it has committed and nothing newer came meanwhile.
 */
export class WriteBack<V> implements Persistence<V>, WriteSource {
  readonly #values: ValueWriter<V>;
  readonly #pending: PendingWrites<V>;
  readonly #line = new OpLine();
  readonly #backoff: Backoff;
  /** A clear that the database does not know of yet; its identity tells it from a later one. */
  #clearing: object | undefined;
  #sweep: Sweep<V> | undefined;
  #nextSweep: Sweep<V> | undefined;
  #retry: CacheTimer | undefined;
  #closed = false;
  /** What the last write to the database was about. It may still be on its way when the stop gives up. */
  #underway: readonly TakenIntent<V>[] = [];
  readonly #age: UnwrittenAge;
  /** Operations that wait for a read. */
  readonly #reading = new Set<Promise<unknown>>();

  constructor(private readonly options: WriteBackOptions<V>) {
    const { definition, entries, budget, context } = options;
    budget.onPressure(() => this.#flushSoon());
    this.#values = new ValueWriter(definition, context.clock);
    this.#pending = new PendingWrites(budget);
    this.#age = new UnwrittenAge(context.clock);
    this.#backoff = new Backoff(MAX_BACKOFF_MS, context.random);
    entries.onEvict = (key) => {
      if (this.#pending.get(key) !== undefined) this.#flushSoon();
    };
  }

  get dirty(): number {
    return this.#pending.size + (this.#clearing === undefined ? 0 : 1);
  }

  get pending(): number {
    return this.#line.length;
  }

  get oldestUnwrittenMs(): number {
    return this.dirty === 0 ? 0 : this.#age.ms;
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
    return this.#withFound(key, (found) => ({ result: this.#valueOf(found), found }));
  }

  check(value: V): void {
    this.#values.encode(value);
  }

  set(key: MemoryKey, value: V, ttlMs: number | undefined): Promise<void> {
    return this.#inOrder([key], () => {
      this.#write(key, this.#values.snapshot(value, ttlMs));
    });
  }

  update(key: MemoryKey, fn: Updater<V>, ttlMs: number | undefined): Promise<V> {
    return this.#inOrder([key], () =>
      this.#withFound(key, (found, current) => {
        const before = this.#valueOf(found);
        const expiresAt = found.kind === 'present' ? found.snapshot.expiresAt : null;
        const snapshot = this.#values.updated(before, expiresAt, fn, ttlMs);
        if (snapshot === undefined) return { result: before as V, found };
        if (current) this.#write(key, snapshot);
        return { result: snapshot.read(this.options.definition.value), found: present(snapshot) };
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
    // While the database is asked, `to` must not be written to: such a rename holds the line.
    const holdsLine = this.#known(from) === undefined;
    return this.#inOrder(
      [from, to],
      () =>
        this.#withFound(from, (found, current) => {
          const moved = current ? move(found) : this.#valueOf(found) !== undefined;
          return { result: moved, found: moved && from !== to ? ABSENT : found };
        }),
      holdsLine,
    );
  }

  clear(): Promise<void> {
    return this.#inOrder([], () => {
      this.#pending.clear();
      this.#clearing = {};
      this.#age.add();
      this.options.entries.cleared();
    });
  }

  flush(): Promise<FlushReport> {
    this.#retry?.cancel();
    this.#retry = undefined;
    const sweep =
      this.#sweep === undefined ? (this.#sweep = new Sweep<V>()) : (this.#nextSweep ??= new Sweep<V>());
    this.options.writer.request(this);
    return sweep.report;
  }

  load(): Promise<LoadReport> {
    const { definition, entries, storage, context } = this.options;
    if (this.#clearing !== undefined) {
      // The rows are as good as gone: memory already holds all there is.
      return Promise.resolve({ rows: 0, skipped: 0, durationMs: 0 });
    }
    return new RowLoader({
      definition,
      entries,
      storage,
      clock: context.clock,
      logger: context.logger,
      isUnsaved: (key) => this.#pending.get(key) !== undefined,
    }).load();
  }

  close(): void {
    this.#closed = true;
  }

  async settled(): Promise<void> {
    await this.#line.settled();
    await Promise.allSettled(this.#reading);
  }

  unwritten(): RescuedWrite[] {
    const { definition, keys, context } = this.options;
    const { name: namespace } = definition;
    const at = context.clock.now();
    const underway = new Map(this.#underway.map(({ key, intent }) => [key, intent]));
    const writes: RescuedWrite[] = this.#clearing === undefined ? [] : [{ op: 'clear', namespace, at }];
    for (const [key, intent] of this.#pending.entries()) {
      const other = underway.get(key);
      const late = other === undefined || other === intent ? {} : { underway: textOf(other) };
      const base = { namespace, key: keys.textOf(key), at, ...late };
      writes.push(
        intent instanceof Snapshot
          ? { op: 'put', ...base, value: intent.text, expiresAt: intent.expiresAt }
          : { op: 'delete', ...base },
      );
    }
    return writes;
  }

  /** One batch of the sweep under way. */
  async turn(): Promise<boolean> {
    const sweep = this.#sweep;
    if (sweep === undefined) return false;
    if (sweep.begin(this.#pending, this.options.context.clock.now())) this.#age.beginSweep();
    // Never both in one turn: a clear that comes while one is written must not run over entries written after it.
    const alive =
      this.#clearing === undefined ? await this.#writeBatch(sweep) : await this.#writeClear(sweep);
    if (alive && !sweep.isOver) return true;
    this.#sweep = this.#nextSweep;
    this.#nextSweep = undefined;
    this.#age.endSweep(sweep.hasFailures);
    sweep.finish(this.dirty, this.options.context.clock.now());
    if (this.options.budget.isAwaited) this.#flushSoon();
    return this.#sweep !== undefined;
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
  ): Promise<T> {
    const known = this.#known(key);
    if (known !== undefined) {
      try {
        return Promise.resolve(handle(known, true).result);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const answered = new Promise<T>((resolve, reject) => {
      this.options.entries.reader.read(
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
      );
    });
    this.#reading.add(answered);
    const done = (): void => void this.#reading.delete(answered);
    answered.then(done, done);
    return answered;
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
    return this.#clearing !== undefined || entries.isKnownAbsent(key) ? ABSENT : undefined;
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
    this.#pending.put(key, intent);
    this.#age.add();
    this.options.entries.written(key, intent instanceof Snapshot ? intent : undefined);
    if (this.#pending.size >= FLUSH_AT) this.#flushSoon();
  }

  /** Starts a sweep unless one is under way or waits out a failure. */
  #flushSoon(): void {
    if (this.#sweep === undefined && this.#retry === undefined) void this.flush();
  }

  async #writeClear(sweep: Sweep<V>): Promise<boolean> {
    const clearing = this.#clearing;
    const { storage, definition } = this.options;
    try {
      await storage.clear(definition.name);
    } catch (error) {
      this.#failed(sweep, error, 1);
      return false;
    }
    this.#succeeded(sweep, 1);
    if (this.#clearing === clearing) this.#clearing = undefined;
    return true;
  }

  /** Answers whether the sweep can go on. */
  async #writeBatch(sweep: Sweep<V>): Promise<boolean> {
    const { storage, context } = this.options;
    const atoms = sweep.take(this.#pending, BATCH_SIZE);
    if (atoms.length === 0) return true;
    const outcome = await writeIsolating(
      atoms,
      async (items) => {
        this.#underway = items;
        await storage.write([this.#toWrite(items)], context.clock.now());
        this.#pending.committed(items);
        this.#succeeded(sweep, items.length);
      },
      (error) => storage.classify(error),
    );
    for (const { items, error } of outcome.refused) this.#refuse(sweep, items, error);
    if (outcome.deferred.length === 0) return true;
    this.#failed(sweep, outcome.error, outcome.deferred.length);
    return false;
  }

  #toWrite(items: readonly TakenIntent<V>[]): Parameters<CacheStorageAdapter['write']>[0][number] {
    const { definition, keys } = this.options;
    const puts = [];
    const deletes = [];
    for (const { key, intent } of items) {
      const text = keys.textOf(key);
      if (intent instanceof Snapshot)
        puts.push({ key: text, value: intent.text, expiresAt: intent.expiresAt });
      else deletes.push(text);
    }
    return { namespace: definition.name, puts, deletes };
  }

  #succeeded(sweep: Sweep<V>, count: number): void {
    this.#backoff.reset();
    this.options.health.succeeded();
    this.options.counters.written += count;
    sweep.wrote(count);
  }

  #failed(sweep: Sweep<V>, error: unknown, count: number): void {
    const { definition, health, counters, context } = this.options;
    counters.writeFailed(error, context.clock.now());
    health.failed(error);
    const failure = writeFailedError(definition.name, error);
    sweep.failed(count, failure);
    sweep.abandon(failure);
    this.#retry ??= context.clock.setTimer(
      this.#backoff.next(),
      () => {
        this.#retry = undefined;
        counters.retries += 1;
        this.#flushSoon();
      },
      false,
    );
  }

  #refuse(sweep: Sweep<V>, items: readonly TakenIntent<V>[], error: unknown): void {
    const { definition, keys, health, counters, context } = this.options;
    counters.writeFailed(error, context.clock.now());
    const texts = items.map(({ key }) => keys.textOf(key));
    sweep.failed(items.length, refusedError(definition.name, texts[0] ?? '', error));
    const isNews = items.some(({ key }) => !this.#pending.isRefused(key));
    for (const item of items) this.#pending.markRefused(item);
    if (isNews) health.refused(definition.name, texts, error);
  }
}

function textOf<V>(intent: Intent<V>): string | null {
  return intent instanceof Snapshot ? intent.text : null;
}
