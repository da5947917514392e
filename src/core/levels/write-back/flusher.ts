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
import type { WriteTurns, WriteSource } from '../../writing/write-turns.js';
import { inStoredOrder } from './key-order.js';
import type { DirtyBudget } from './dirty-budget.js';
import { expiryOf, textOf } from './row-change.js';
import type { DirtyEntries, TakenChange } from './dirty-entries.js';
import { FlushPass } from './flush-pass.js';

/**
 * Most entries in one transaction, and about how many characters of values: its commit holds a SQLite connection for some
 * tens of milliseconds, and the event loop with it where the driver works on that.
 */
const BATCH = { keys: 10_000, characters: 2 ** 21 };
const MAX_BACKOFF_MS = 30_000;

export interface FlusherOptions {
  readonly definition: Pick<NamespaceDefinition, 'name'>;
  readonly keys: KeySpace<unknown>;
  readonly storage: CacheStorageAdapter;
  readonly writer: WriteTurns;
  readonly budget: DirtyBudget;
  readonly health: StorageHealth;
  readonly counters: NamespaceCounters;
  readonly context: EngineContext;
}

/**
 * Writes the pending changes of a write-back namespace to the database, pass by pass. An change is forgotten only when
 * it has committed and nothing newer came meanwhile; what failed is tried again with growing delays.
 */
export class Flusher implements WriteSource {
  readonly #dirty: DirtyEntries;
  readonly #backoff: Backoff;
  #pass: FlushPass | undefined;
  #nextPass: FlushPass | undefined;
  #retry: CacheTimer | undefined;
  #ended = false;
  /** What the last write to the database was about. It may still be on its way when the stop gives up. */
  #underway: readonly TakenChange[] = [];

  constructor(
    private readonly options: FlusherOptions,
    dirty: DirtyEntries,
  ) {
    this.#dirty = dirty;
    this.#backoff = new Backoff(MAX_BACKOFF_MS, options.context.random);
    options.budget.onPressure(() => this.flushSoon());
  }

  /** Tries to write everything that is unwritten now. */
  flush(): Promise<FlushReport> {
    this.#retry?.cancel();
    this.#retry = undefined;
    const pass =
      this.#pass === undefined ? (this.#pass = new FlushPass()) : (this.#nextPass ??= new FlushPass());
    this.options.writer.request(this);
    return pass.report;
  }

  /** No more attempts: the storage is about to be closed. */
  end(): void {
    this.#ended = true;
    this.#retry?.cancel();
  }

  /** Starts a pass unless one is under way or waits out a failure. */
  flushSoon(): void {
    if (this.#ended) return;
    if (this.#pass === undefined && this.#retry === undefined) void this.flush();
  }

  /** What is unwritten now. */
  unwritten(): RescuedWrite[] {
    const { definition, keys, context } = this.options;
    const { name: namespace } = definition;
    const at = context.clock.now();
    const underway = new Map(this.#underway.map(({ key, change }) => [key, change]));
    const writes: RescuedWrite[] = this.#dirty.clearing === undefined ? [] : [{ op: 'clear', namespace, at }];
    for (const [key, change] of this.#dirty.entries()) {
      const other = underway.get(key);
      const late = other === undefined || other === change ? {} : { underway: textOf(other) ?? null };
      const base = { namespace, key: keys.textOf(key), at, ...late };
      const value = textOf(change);
      writes.push(
        value === undefined
          ? { op: 'delete', ...base }
          : { op: 'put', ...base, value, expiresAt: expiryOf(change) },
      );
    }
    return writes;
  }

  /** One batch of the pass under way. */
  async turn(): Promise<boolean> {
    const pass = this.#pass;
    if (pass === undefined) return false;
    if (!pass.hasBegun) await this.#begin(pass);
    // Never both in one turn: a clear that comes while one is written must not run over entries written after it.
    const { clearing } = this.#dirty;
    const alive =
      clearing === undefined ? await this.#writeBatch(pass) : await this.#writeClear(pass, clearing);
    if (alive && !pass.isOver) return true;
    this.#pass = this.#nextPass;
    this.#nextPass = undefined;
    this.#dirty.endPass(pass.hasFailures);
    pass.finish(this.#dirty.dirty, this.options.context.clock.monotonic());
    // Not for refused entries alone: they would be tried over and over.
    const { size, refusedCount } = this.#dirty;
    if (this.options.budget.isAwaited && size > refusedCount) this.flushSoon();
    return this.#pass !== undefined;
  }

  async #begin(pass: FlushPass): Promise<void> {
    const { keys, context } = this.options;
    const startedAt = context.clock.monotonic();
    this.#dirty.beginPass();
    const ordered = await inStoredOrder(this.#dirty.keys(), (key) => keys.textOf(key), context.clock);
    pass.begin(ordered, this.#dirty, startedAt);
  }

  async #writeClear(pass: FlushPass, clearing: object): Promise<boolean> {
    const { storage, definition } = this.options;
    try {
      await storage.clear(definition.name);
    } catch (error) {
      this.#failed(pass, error, 1);
      return false;
    }
    this.#succeeded(pass, 1);
    this.#dirty.clearCommitted(clearing);
    return true;
  }

  /** Answers whether the pass can go on. */
  async #writeBatch(pass: FlushPass): Promise<boolean> {
    const { storage, context } = this.options;
    const { epoch } = this.#dirty;
    const atoms = pass.take(this.#dirty, BATCH);
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
        this.#dirty.committed(items, epoch);
        this.#succeeded(pass, items.length);
      },
      (error) => storage.classify(error),
    );
    for (const { items, error } of outcome.refused) this.#refuse(pass, items, error, epoch);
    if (outcome.deferred.length === 0) return true;
    this.#failed(pass, outcome.error, outcome.deferred.length);
    return false;
  }

  #toWrite(items: readonly TakenChange[]): Parameters<CacheStorageAdapter['write']>[0][number] {
    const { definition, keys } = this.options;
    const puts = [];
    const deletes = [];
    for (const { key, change } of items) {
      const text = keys.textOf(key);
      const value = textOf(change);
      if (value === undefined) deletes.push(text);
      else puts.push({ key: text, value, expiresAt: expiryOf(change) });
    }
    return { namespace: definition.name, puts, deletes };
  }

  #succeeded(pass: FlushPass, count: number): void {
    this.#backoff.reset();
    this.options.health.succeeded();
    this.options.counters.written += count;
    pass.wrote(count);
  }

  #failed(pass: FlushPass, error: unknown, count: number): void {
    const { definition, health, counters, context } = this.options;
    counters.writeFailed(error, context.clock.now());
    health.failed(error);
    const failure = writeFailedError(definition.name, error);
    pass.failed(count, failure);
    pass.abandon(failure);
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

  #refuse(pass: FlushPass, items: readonly TakenChange[], error: unknown, epoch: number): void {
    const { definition, keys, health, counters, context } = this.options;
    counters.writeFailed(error, context.clock.now());
    const texts = items.map(({ key }) => keys.textOf(key));
    pass.failed(items.length, refusedError(definition.name, texts[0] ?? '', error));
    const isNews = items.some(({ key }) => !this.#dirty.isRefused(key));
    for (const item of items) this.#dirty.markRefused(item, epoch);
    if (isNews) health.refused(definition.name, texts, error);
    this.#retryIn(MAX_BACKOFF_MS);
  }
}
