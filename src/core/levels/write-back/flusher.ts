import { nextTurn, type CacheTimer } from '../../clock.js';
import type { EngineContext } from '../../context.js';
import type { KeySpace } from '../../keys/key-space.js';
import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import type { NamespaceCounters } from '../../definition/namespace-stats.js';
import type { FlushReport } from '../../reports.js';
import type { RescuedWrite } from '../../rescue/rescue-journal.js';
import type { CacheStorageAdapter } from '../../storage-adapter.js';
import { Backoff } from '../../writing/backoff.js';
import { refusedError, writeFailedError, type StorageHealth } from '../../writing/storage-health.js';
import { writeIsolating } from '../../writing/isolate-refused.js';
import type { Writer, WriteSource } from '../../writing/write-turns.js';
import { inStoredOrder } from './key-order.js';
import type { PendingBudget } from './dirty-budget.js';
import { expiryOf, textOf } from './row-change.js';
import type { PendingWrites, TakenIntent } from './dirty-entries.js';
import { Sweep } from './flush-pass.js';

/**
 * Most entries in one transaction, and about how many characters of values: its commit holds a SQLite connection for some
 * tens of milliseconds, and the event loop with it where the driver works on that.
 */
const BATCH = { keys: 10_000, characters: 2 ** 21 };
const MAX_BACKOFF_MS = 30_000;

export interface WriteBackFlusherOptions {
  readonly definition: Pick<NamespaceDefinition, 'name'>;
  readonly keys: KeySpace<unknown>;
  readonly storage: CacheStorageAdapter;
  readonly writer: Writer;
  readonly budget: PendingBudget;
  readonly health: StorageHealth;
  readonly counters: NamespaceCounters;
  readonly context: EngineContext;
}

/**
 * Writes the pending intents of a write-back namespace to the database, sweep by sweep. An intent is forgotten only when
 * it has committed and nothing newer came meanwhile; what failed is tried again with growing delays.
 */
export class WriteBackFlusher implements WriteSource {
  readonly #pending: PendingWrites;
  readonly #backoff: Backoff;
  #sweep: Sweep | undefined;
  #nextSweep: Sweep | undefined;
  #retry: CacheTimer | undefined;
  #ended = false;
  /** What the last write to the database was about. It may still be on its way when the stop gives up. */
  #underway: readonly TakenIntent[] = [];

  constructor(
    private readonly options: WriteBackFlusherOptions,
    pending: PendingWrites,
  ) {
    this.#pending = pending;
    this.#backoff = new Backoff(MAX_BACKOFF_MS, options.context.random);
    options.budget.onPressure(() => this.flushSoon());
  }

  /** Tries to write everything that is unwritten now. */
  flush(): Promise<FlushReport> {
    this.#retry?.cancel();
    this.#retry = undefined;
    const sweep = this.#sweep === undefined ? (this.#sweep = new Sweep()) : (this.#nextSweep ??= new Sweep());
    this.options.writer.request(this);
    return sweep.report;
  }

  /** No more attempts: the storage is about to be closed. */
  end(): void {
    this.#ended = true;
    this.#retry?.cancel();
  }

  /** Starts a sweep unless one is under way or waits out a failure. */
  flushSoon(): void {
    if (this.#ended) return;
    if (this.#sweep === undefined && this.#retry === undefined) void this.flush();
  }

  /** What is unwritten now. */
  unwritten(): RescuedWrite[] {
    const { definition, keys, context } = this.options;
    const { name: namespace } = definition;
    const at = context.clock.now();
    const underway = new Map(this.#underway.map(({ key, intent }) => [key, intent]));
    const writes: RescuedWrite[] =
      this.#pending.clearing === undefined ? [] : [{ op: 'clear', namespace, at }];
    for (const [key, intent] of this.#pending.entries()) {
      const other = underway.get(key);
      const late = other === undefined || other === intent ? {} : { underway: textOf(other) ?? null };
      const base = { namespace, key: keys.textOf(key), at, ...late };
      const value = textOf(intent);
      writes.push(
        value === undefined
          ? { op: 'delete', ...base }
          : { op: 'put', ...base, value, expiresAt: expiryOf(intent) },
      );
    }
    return writes;
  }

  /** One batch of the sweep under way. */
  async turn(): Promise<boolean> {
    const sweep = this.#sweep;
    if (sweep === undefined) return false;
    if (!sweep.hasBegun) await this.#begin(sweep);
    // Never both in one turn: a clear that comes while one is written must not run over entries written after it.
    const { clearing } = this.#pending;
    const alive =
      clearing === undefined ? await this.#writeBatch(sweep) : await this.#writeClear(sweep, clearing);
    if (alive && !sweep.isOver) return true;
    this.#sweep = this.#nextSweep;
    this.#nextSweep = undefined;
    this.#pending.endSweep(sweep.hasFailures);
    sweep.finish(this.#pending.dirty, this.options.context.clock.now());
    // Not for refused entries alone: they would be tried over and over.
    const { size, refusedCount } = this.#pending;
    if (this.options.budget.isAwaited && size > refusedCount) this.flushSoon();
    return this.#sweep !== undefined;
  }

  async #begin(sweep: Sweep): Promise<void> {
    const { keys, context } = this.options;
    const startedAt = context.clock.now();
    this.#pending.beginSweep();
    const ordered = await inStoredOrder(this.#pending.keys(), (key) => keys.textOf(key), context.clock);
    sweep.begin(ordered, this.#pending, startedAt);
  }

  async #writeClear(sweep: Sweep, clearing: object): Promise<boolean> {
    const { storage, definition } = this.options;
    try {
      await storage.clear(definition.name);
    } catch (error) {
      this.#failed(sweep, error, 1);
      return false;
    }
    this.#succeeded(sweep, 1);
    this.#pending.clearCommitted(clearing);
    return true;
  }

  /** Answers whether the sweep can go on. */
  async #writeBatch(sweep: Sweep): Promise<boolean> {
    const { storage, context } = this.options;
    const { epoch } = this.#pending;
    const atoms = sweep.take(this.#pending, BATCH);
    if (atoms.length === 0) return true;
    // To take a batch, to write it and to forget it holds the event loop for some milliseconds each.
    await nextTurn(context.clock);
    const outcome = await writeIsolating(
      atoms,
      async (items) => {
        this.#underway = items;
        await storage.write([this.#toWrite(items)], context.clock.now());
        await nextTurn(context.clock);
        this.#underway = [];
        this.#pending.committed(items, epoch);
        this.#succeeded(sweep, items.length);
      },
      (error) => storage.classify(error),
    );
    for (const { items, error } of outcome.refused) this.#refuse(sweep, items, error, epoch);
    if (outcome.deferred.length === 0) return true;
    this.#failed(sweep, outcome.error, outcome.deferred.length);
    return false;
  }

  #toWrite(items: readonly TakenIntent[]): Parameters<CacheStorageAdapter['write']>[0][number] {
    const { definition, keys } = this.options;
    const puts = [];
    const deletes = [];
    for (const { key, intent } of items) {
      const text = keys.textOf(key);
      const value = textOf(intent);
      if (value === undefined) deletes.push(text);
      else puts.push({ key: text, value, expiresAt: expiryOf(intent) });
    }
    return { namespace: definition.name, puts, deletes };
  }

  #succeeded(sweep: Sweep, count: number): void {
    this.#backoff.reset();
    this.options.health.succeeded();
    this.options.counters.written += count;
    sweep.wrote(count);
  }

  #failed(sweep: Sweep, error: unknown, count: number): void {
    const { definition, health, counters, context } = this.options;
    counters.writeFailed(error, context.clock.now());
    health.failed(error);
    const failure = writeFailedError(definition.name, error);
    sweep.failed(count, failure);
    sweep.abandon(failure);
    this.#retryIn(this.#backoff.next());
  }

  #retryIn(ms: number): void {
    if (this.#ended) return;
    const { context, counters } = this.options;
    this.#retry ??= context.clock.setTimer(
      ms,
      () => {
        this.#retry = undefined;
        counters.retries += 1;
        this.flushSoon();
      },
      false,
    );
  }

  #refuse(sweep: Sweep, items: readonly TakenIntent[], error: unknown, epoch: number): void {
    const { definition, keys, health, counters, context } = this.options;
    counters.writeFailed(error, context.clock.now());
    const texts = items.map(({ key }) => keys.textOf(key));
    sweep.failed(items.length, refusedError(definition.name, texts[0] ?? '', error));
    const isNews = items.some(({ key }) => !this.#pending.isRefused(key));
    for (const item of items) this.#pending.markRefused(item, epoch);
    if (isNews) health.refused(definition.name, texts, error);
    this.#retryIn(MAX_BACKOFF_MS);
  }
}
