import { isCacheError, type CacheError } from '../../cache-error.js';
import { nextTurn } from '../../clock.js';
import type { EngineContext } from '../../context.js';
import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import type { NamespaceCounters } from '../../definition/namespace-stats.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import { inStoredOrder } from '../../keys/key-order.js';
import type { KeyRange } from '../../keys/key-range.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { FlushReport } from '../../reports.js';
import type { Stamp } from '../../storage-adapter.js';
import { Retry } from '../../writing/retry.js';
import { refusedError, writeFailedError } from '../../writing/storage-health.js';
import type { WriteOutcome } from '../../writing/isolate-refused.js';
import { RangeRemoval } from '../../writing/range-removal.js';
import type { StorageWriter, WriteHooks } from '../../writing/storage-writer.js';
import type { WriteSource, WriteTurns } from '../../writing/write-turns.js';
import { closedError } from '../level.js';
import { Attempts } from './attempts.js';
import type { DirtyBudget } from './dirty-budget.js';
import type { Conflicts } from './conflicts.js';
import type { DirtyEntries } from './dirty-entries.js';
import { DoubtedBatch } from './doubted-batch.js';
import { dirtyRow, type Batch, type DirtyRow } from './dirty-row.js';
import { atomsOf, FlushPass } from './flush-pass.js';
import { traceFlush } from './flush-trace.js';
import type { Provenance } from './provenance.js';
import { RefusedRetry } from './refused-retry.js';
import type { RowChange } from './row-change.js';

/**
 * Most entries in one transaction, and about how many characters of values: its commit holds a SQLite connection for some
 * tens of milliseconds, and the event loop with it where the driver works on that.
 */
const BATCH = { keys: 10_000, characters: 2 ** 21 };
/** The longest wait between two attempts while the storage fails. */
const MAX_BACKOFF_MS = 30_000;

export interface FlusherOptions {
  readonly definition: Pick<NamespaceDefinition, 'name'>;
  readonly keys: KeySpace<unknown>;
  readonly writer: StorageWriter;
  readonly turns: WriteTurns;
  readonly budget: DirtyBudget;
  readonly counters: NamespaceCounters;
  readonly context: EngineContext;
  readonly provenance: Provenance | undefined;
  readonly entries: Pick<PersistedEntries<unknown>, 'watchOthers' | 'unwatchOthers' | 'forget'>;
  /** Where other processes write to the same rows. */
  readonly conflicts: Pick<Conflicts<unknown>, 'expect' | 'write' | 'giveUp'> | undefined;
}

/**
 * Writes the changes of a write-back namespace to the database, pass by pass. A change is forgotten only when it has
 * committed and nothing newer came meanwhile; what failed is tried again.
 *
 * What it waits for is one of four: nothing (there is no pass, and none is due), its turn (there is a pass), the end of an
 * outage (`#outage`), or the time to try what the database refused (`#refused`). Whatever may change that calls
 * {@link reconsider}.
 */
export class Flusher implements WriteSource {
  readonly #outage: Retry;
  readonly #refused: RefusedRetry;
  readonly #attempts: Attempts;
  /** Whether somebody needs a pass that neither marks nor waiting writes ask for: an eviction, a failure. */
  #isWanted = false;
  #pass: FlushPass | undefined;
  #nextPass: FlushPass | undefined;
  /** The batch after the one that is being written. */
  #prepared: Batch | undefined;
  /** Where others write, too, what they may have built on already. */
  readonly #doubted: DoubtedBatch | undefined;
  /** The removal that was attempted last, and is still to be made. */
  #removal: RangeRemoval | undefined;
  /** Whether a range was removed since it was prepared: what is not dirty any more must not come after that. */
  #mayBeStale = false;
  #ended = false;

  constructor(
    private readonly dirty: DirtyEntries,
    /** Whether so much is dirty that it is not left to the next checkpoint. */
    private readonly isMarkReached: () => boolean,
    private readonly options: FlusherOptions,
  ) {
    const { context, writer, budget, conflicts, definition, entries } = options;
    this.#attempts = new Attempts(entries, conflicts !== undefined);
    this.#refused = new RefusedRetry(context.clock, () => this.reconsider());
    this.#doubted = conflicts && new DoubtedBatch(definition.name, writer);
    this.#outage = new Retry(context, writer.health, {
      maxMs: MAX_BACKOFF_MS,
      keepsAlive: false,
      again: () => {
        options.counters.retries += 1;
        this.want();
      },
    });
    budget.onPressure(() => this.reconsider());
  }

  /** Tries to write everything that is unwritten now, whatever it waits for. */
  flush(): Promise<FlushReport> {
    this.#outage.cancel();
    if (this.#pass === undefined) return this.#begin(true).report;
    // One that is still to look at what is dirty will see all that is dirty now.
    if (this.#pass.includeRefused()) return this.#pass.report;
    this.#nextPass ??= this.#newPass(true);
    return this.#nextPass.report;
  }

  /** There is something to write that is not to wait for the next checkpoint. */
  want(): void {
    this.#isWanted = true;
    this.reconsider();
  }

  /** A range is to be removed, perhaps not for the first time: an earlier attempt was too early for what others have written since. */
  removes(): void {
    this.#removal = undefined;
    this.reconsider();
  }

  /** Begins a pass if one is due and nothing is waited for. */
  reconsider(): void {
    if (this.#ended || this.#pass !== undefined || this.#outage.isWaiting || !this.#isDue()) return;
    this.#begin(this.#refused.isDue);
  }

  /** No more attempts: the storage is about to be closed. */
  giveUp(): void {
    this.#ended = true;
    this.options.conflicts?.giveUp();
    this.#outage.cancel();
    this.#refused.cancel();
  }

  /** Resolves when nothing is being written. */
  writeOver(): Promise<void> {
    return this.#attempts.over();
  }

  /** Whether something is being written: nobody knows whether the rows have it already. */
  get isWriting(): boolean {
    return this.#attempts.isUnderway;
  }

  /** Counts attempts to write. */
  get attempts(): number {
    return this.#attempts.count;
  }

  /** One batch of the pass under way. */
  async turn(): Promise<boolean> {
    const pass = this.#pass;
    if (pass === undefined) return false;
    // What it is about is decided now.
    if (!pass.hasBegun) this.#trace(pass);
    let goesOn = false;
    try {
      goesOn = await pass.run(() => this.#step(pass));
    } catch (error) {
      // A key codec that throws, say: what is dirty stays so.
      this.#failed(pass, error, 0);
    }
    const isDone = pass.isOver && this.#prepared === undefined && this.dirty.nextRemoval === undefined;
    if (goesOn && !isDone) return true;
    this.#endPass(pass);
    return this.#pass !== undefined;
  }

  #isDue(): boolean {
    const { dirty } = this;
    if (this.#refused.isDue && dirty.refusedCount > 0) return true;
    // Not for refused entries alone: they would be tried over and over.
    if (dirty.size === dirty.refusedCount && dirty.nextRemoval === undefined) return false;
    return this.#isWanted || this.isMarkReached() || this.options.budget.isAwaited;
  }

  #begin(includesRefused: boolean): FlushPass {
    this.#isWanted = false;
    const pass = this.#newPass(includesRefused);
    this.#pass = pass;
    this.#trace(pass);
    this.options.turns.request(this);
    return pass;
  }

  #newPass(includesRefused: boolean): FlushPass {
    return new FlushPass(includesRefused, this.options.context.clock.monotonic());
  }

  /** Tells of a pass as soon as there is something to write: a stop makes some to be sure that there is nothing. */
  #trace(pass: FlushPass): void {
    if (pass.isTraced || this.dirty.dirty === 0) return;
    pass.isTraced = true;
    // The pass before it may have been somebody else's.
    pass.run(() => traceFlush(this.options.definition.name, pass, this.options.context.clock));
  }

  async #step(pass: FlushPass): Promise<boolean> {
    this.#assertNotEnded();
    if (!pass.hasBegun) await this.#order(pass);
    await this.#doubted?.settle((rows, stamp) => this.#committedBefore(pass, rows, stamp));
    // Never both in one turn: a removal that comes while one is written must not run over entries written after it.
    const { nextRemoval } = this.dirty;
    if (nextRemoval === undefined) return this.#writeBatch(pass);
    const first = this.dirty.beforeRemoval();
    return first.length === 0 ? this.#writeRemoval(pass, nextRemoval) : this.#writeFirst(pass, first);
  }

  #assertNotEnded(): void {
    if (this.#ended) throw closedError(this.options.definition.name);
  }

  async #order(pass: FlushPass): Promise<void> {
    const { keys, context } = this.options;
    pass.fix();
    if (pass.includesRefused) this.#refused.begin();
    this.dirty.beginPass();
    const ordered = await inStoredOrder(this.dirty.keys(), (key) => keys.textOf(key), context.clock);
    pass.begin(ordered, this.dirty);
  }

  #endPass(pass: FlushPass): void {
    this.#prepared = undefined;
    this.#pass = this.#nextPass;
    this.#nextPass = undefined;
    this.dirty.endPass(pass.hasFailures);
    pass.finish(this.dirty.dirty, this.options.context.clock.monotonic());
    if (this.#pass === undefined) this.reconsider();
    else this.#trace(this.#pass);
  }

  async #writeRemoval(pass: FlushPass, range: KeyRange): Promise<boolean> {
    const { writer, definition } = this.options;
    const removal = this.#removal?.range === range ? this.#removal : new RangeRemoval(range, 'make again');
    this.#removal = removal;
    try {
      await this.#attempts.make(() => writer.clear(definition.name, removal));
    } catch (error) {
      this.#failed(pass, error, 1);
      return false;
    }
    this.options.provenance?.removalCommitted(range);
    this.dirty.removalCommitted(range);
    this.#mayBeStale = true;
    this.#succeeded(pass, 1);
    return true;
  }

  /** Writes what must not come after a removal. */
  #writeFirst(pass: FlushPass, keys: readonly MemoryKey[]): Promise<boolean> {
    const rowOf = (key: MemoryKey, change: RowChange): DirtyRow => this.#rowOf(key, change);
    return this.#write(pass, atomsOf(this.dirty, keys, rowOf));
  }

  /** Writes a batch, and prepares the next one meanwhile. Answers whether the pass can go on. */
  async #writeBatch(pass: FlushPass): Promise<boolean> {
    const taken = this.#prepared ?? (await this.#take(pass));
    if (this.dirty.nextRemoval !== undefined) {
      // It came meanwhile, and goes first.
      this.#prepared = taken;
      return true;
    }
    this.#prepared = undefined;
    // The stop may have given up meanwhile: what is dirty is gathered, and the storage about to be closed.
    this.#assertNotEnded();
    const batch = this.#mayBeStale ? this.dirty.stillDirty(taken) : taken;
    this.#mayBeStale = false;
    if (batch.length === 0) return true;
    return this.#write(pass, batch);
  }

  async #write(pass: FlushPass, batch: Batch): Promise<boolean> {
    const { writer, conflicts } = this.options;
    const hooks = this.#hooks(pass);
    conflicts?.expect(batch);
    const written = this.#attempts.make(() => writer.write(batch, hooks));
    const prepared = pass.isOver || this.#prepared !== undefined ? undefined : this.#takeNext(pass);
    // Looked at when the write is over: two of them must not overlap, whatever this ends with.
    prepared?.catch(() => undefined);
    const outcome = await written;
    this.#doubt(outcome);
    this.#prepared ??= await prepared;
    const goesOn = this.#leaveBehind(pass, outcome);
    if (!goesOn || outcome.conflicts.length === 0 || conflicts === undefined) return goesOn;
    return this.#settle(pass, conflicts, outcome.conflicts);
  }

  /** Others have written rows that these were not built on. */
  async #settle(
    pass: FlushPass,
    conflicts: NonNullable<FlusherOptions['conflicts']>,
    batch: Batch,
  ): Promise<boolean> {
    this.#assertNotEnded();
    const outcome = await this.#attempts.make(() => conflicts.write(batch, this.#hooks(pass)));
    this.#doubt(outcome);
    for (const { items, error } of outcome.unsettled) this.#keepRefused(pass, items, error);
    // Others were quicker, or something was tied to them meanwhile.
    if (outcome.conflicts.length > 0) this.#isWanted = true;
    return this.#leaveBehind(pass, outcome);
  }

  #hooks(pass: FlushPass): WriteHooks<DirtyRow> {
    const { provenance } = this.options;
    return {
      attempting: (rows, commit) => {
        provenance?.attempting(rows, commit.stamp);
        this.#doubted?.attempting(rows, commit);
      },
      committed: (rows, stamp) => this.#committed(pass, rows, stamp),
      fateOfRefused: 'At level ON_SHUTDOWN it is kept and tried again.',
      isKnownRefusal: ({ memoryKey }) => this.dirty.isRefused(memoryKey),
    };
  }

  #doubt({ deferred }: WriteOutcome<DirtyRow>): void {
    const { provenance } = this.options;
    if (deferred.length > 0) {
      provenance?.doubtUnderway();
      this.#doubted?.doubtUnderway();
    } else {
      provenance?.refused();
      this.#doubted?.ended();
    }
  }

  /** What was not written. Answers whether the pass can go on. */
  #leaveBehind(pass: FlushPass, { refused, deferred, error }: WriteOutcome<DirtyRow>): boolean {
    const { name } = this.options.definition;
    for (const { items, error: reason } of refused)
      this.#keepRefused(pass, items, refusedError(name, items[0]?.key ?? '', reason));
    if (deferred.length === 0) return true;
    // The rest is soon tried without those.
    if (refused.length > 0) this.#outage.reset();
    this.#failed(pass, error, deferred.length);
    return false;
  }

  /** The write of the batch before leaves with this turn, and a driver that works on this very thread is not held up further. */
  async #takeNext(pass: FlushPass): Promise<Batch> {
    await nextTurn(this.options.context.clock);
    return this.#take(pass);
  }

  async #take(pass: FlushPass): Promise<Batch> {
    const batch = pass.take(this.dirty, BATCH, (memoryKey, change) => this.#rowOf(memoryKey, change));
    // To take a batch, to write it and to forget it holds the event loop for some milliseconds each.
    await nextTurn(this.options.context.clock);
    return batch;
  }

  #rowOf(memoryKey: MemoryKey, change: RowChange): DirtyRow {
    return dirtyRow(this.options.definition, this.options.keys, memoryKey, change);
  }

  #committed(pass: FlushPass, rows: readonly DirtyRow[], stamp: Stamp): void {
    this.#doubted?.ended();
    this.options.provenance?.committed(rows, stamp);
    this.dirty.committed(rows);
    this.#forgetOvertaken(rows);
    this.#succeeded(pass, rows.length);
  }

  /** It was in doubt until now: what others have written since, memory was not to take. */
  #committedBefore(pass: FlushPass, rows: readonly DirtyRow[], stamp: Stamp): void {
    this.#committed(pass, rows, stamp);
    for (const { memoryKey } of rows) {
      if (this.dirty.get(memoryKey) === undefined && !this.dirty.isRemoved(memoryKey))
        this.options.entries.forget(memoryKey);
    }
  }

  /** Others may have written rows after this commit, and been told of before it. */
  #forgetOvertaken(rows: readonly DirtyRow[]): void {
    if (this.options.conflicts === undefined) return;
    for (const { memoryKey } of rows) {
      if (this.#attempts.isOvertaken(memoryKey) && this.dirty.get(memoryKey) === undefined)
        this.options.entries.forget(memoryKey);
    }
  }

  #succeeded(pass: FlushPass, count: number): void {
    this.#outage.reset();
    pass.wrote(count);
    // Whoever waits for the next pass waits for this one, too: the report counts what was written since the call.
    this.#nextPass?.wrote(count);
  }

  #failed(pass: FlushPass, cause: unknown, count: number): void {
    const error = asCacheError(this.options.definition.name, cause);
    const prepared = this.#prepared?.reduce((sum, atom) => sum + atom.length, 0) ?? 0;
    pass.failed(count + prepared, error);
    pass.abandon(error);
    // What the database refused was not tried again after all.
    if (pass.includesRefused) this.#refused.missed();
    if (!this.#ended) this.#outage.later();
  }

  /** The database does not take these, or nobody can say what they should be: they are tried again apart from others. */
  #keepRefused(pass: FlushPass, rows: readonly DirtyRow[], error: CacheError): void {
    pass.failed(rows.length, error);
    for (const row of rows) this.dirty.markRefused(row);
    if (!this.#ended) this.#refused.later();
  }
}

function asCacheError(namespace: string, cause: unknown): CacheError {
  return isCacheError(cause) ? cause : writeFailedError(namespace, cause);
}
