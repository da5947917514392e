import { isCacheError } from '../cache-error.js';
import type { EngineContext } from '../context.js';
import { EVERY_KEY, isEvery, type KeyRange } from '../keys/key-range.js';
import type { NamespaceCounters } from '../definition/namespace-stats.js';
import type {
  Atom,
  AtomOutcome,
  CacheStorageAdapter,
  RowWrite,
  Stamp,
  StampedEntry,
  StorageFailure,
} from '../storage-adapter.js';
import { commitTraces, traced, type CommitTrace } from '../tracing.js';
import { isolateRefused, type WriteOutcome } from './isolate-refused.js';
import { Stamps } from './stamps.js';
import type { StorageHealth } from './storage-health.js';

/** What becomes of the rows of a write, told while it goes on. */
export interface WriteHooks<Row> {
  /** Called before each transaction: where it ends nobody knows how, its stamp in the rows says so. */
  readonly attempting?: ((rows: readonly Row[], stamp: Stamp) => void) | undefined;
  /** Called as soon as rows are committed, before others are tried. */
  readonly committed: (rows: readonly Row[], stamp: Stamp) => void;
  /** What becomes of rows that the database refuses, for the log: a sentence. */
  readonly fateOfRefused: string;
  /** Whether the refusal of this row was reported before. */
  readonly isKnownRefusal?: ((row: Row) => boolean) | undefined;
  /** See {@link isolateRefused}. */
  readonly refusalsWithoutSuccess?: number | undefined;
}

/**
 * The only way to write to the storage: writes, clears and purges go through it. It isolates refused rows, gives each commit its
 * stamp, raises the counters and reports the storage's health. Each call is one attempt, and there is one call at a time.
 */
export class StorageWriter {
  readonly stamps = new Stamps();
  readonly #counters = new Map<string, NamespaceCounters>();

  constructor(
    private readonly storage: CacheStorageAdapter,
    readonly health: StorageHealth,
    private readonly context: EngineContext,
    /** Asked before each commit, which waits for it and fails with it: others may have taken the storage over. */
    private readonly admit: () => Promise<void> | undefined = () => undefined,
  ) {}

  /** Counts what is written to `namespace` in `counters` from now on. */
  count(namespace: string, counters: NamespaceCounters): void {
    this.#counters.set(namespace, counters);
  }

  /** Writes atoms, each a list of rows that are committed together. Never rejects: the outcome says what became of each row. */
  async write<Row extends RowWrite>(
    atoms: readonly Atom<Row>[],
    hooks: WriteHooks<Row>,
  ): Promise<WriteOutcome<Row>> {
    const outcome = await isolateRefused(
      atoms,
      async (part) => {
        const admitted = this.admit();
        if (admitted !== undefined) await admitted;
        const stamp = this.stamps.next();
        hooks.attempting?.(part.flat(), stamp);
        const outcomes = await this.#traced(writeTrace(part), () =>
          this.storage.write(part, { stamp, now: this.context.clock.now() }),
        );
        this.#committed(part, outcomes, stamp, hooks);
        return outcomes;
      },
      (error) => this.classify(error),
      hooks.refusalsWithoutSuccess,
    );
    for (const { items, error } of outcome.refused) this.#refused(items, error, hooks);
    if (outcome.deferred.length > 0) this.#failed(outcome.deferred, outcome.error);
    return outcome;
  }

  /**
   * Reads rows of a namespace and writes what `decide` makes of them, in one transaction. Gives what became of each. Rejects
   * with what `decide` or the storage throws: nothing is isolated here, since what is written depends on what was read.
   */
  async modify<Row extends RowWrite>(
    namespace: string,
    keys: readonly string[],
    decide: (rows: readonly StampedEntry[]) => readonly Atom<Row>[],
    hooks: Pick<WriteHooks<Row>, 'attempting' | 'committed'>,
  ): Promise<readonly AtomOutcome[]> {
    const stamp = this.stamps.next();
    let atoms: readonly Atom<Row>[] = [];
    const decided = (rows: readonly StampedEntry[]): readonly Atom<Row>[] => {
      atoms = decide(rows);
      hooks.attempting?.(atoms.flat(), stamp);
      return atoms;
    };
    const trace = (): CommitTrace => ({ operation: 'write', namespaces: [namespace], puts: 0, deletes: 0 });
    try {
      const admitted = this.admit();
      if (admitted !== undefined) await admitted;
      const outcomes = await this.#traced(trace, () =>
        this.storage.modify(namespace, keys, decided, { stamp, now: this.context.clock.now() }),
      );
      this.#committed(atoms, outcomes, stamp, hooks);
      return outcomes;
    } catch (error) {
      if (this.classify(error) === 'transient') this.#failed([{ namespace }], error);
      throw error;
    }
  }

  /**
   * Removes every row of a namespace, or of those whose keys lie in `range`, and gives how many of the latter had not expired.
   * Rejects with what the storage throws.
   */
  async clear(namespace: string, range: KeyRange = EVERY_KEY): Promise<number | undefined> {
    const commit = { stamp: this.stamps.next(), now: this.context.clock.now() };
    const removed = await this.#attempt(namespace, 'clear', async () => {
      if (!isEvery(range)) return this.storage.clearRange(namespace, range, commit);
      await this.storage.clear(namespace, commit);
      return undefined;
    });
    this.#written([{ namespace }]);
    return removed;
  }

  /** Removes expired rows of a namespace. Rejects with what the storage throws. */
  async purge(namespace: string): Promise<void> {
    await this.#attempt(namespace, 'purge', () =>
      this.storage.purgeExpired(namespace, this.context.clock.now()),
    );
  }

  /** What an error of the storage means. If the adapter's own `classify` throws, the error counts as transient. */
  classify(error: unknown): StorageFailure {
    try {
      return this.storage.classify(error);
    } catch {
      return 'transient';
    }
  }

  /** Whether nothing of a write that failed was committed, for sure. */
  isUndone(error: unknown): boolean {
    if (isTakenOver(error)) return true;
    try {
      return this.storage.isUndone?.(error) === true;
    } catch {
      return false;
    }
  }

  async #attempt<T>(
    namespace: string,
    operation: CommitTrace['operation'],
    task: () => Promise<T>,
  ): Promise<T> {
    const trace = (): CommitTrace => ({ operation, namespaces: [namespace], puts: 0, deletes: 0 });
    try {
      const admitted = this.admit();
      if (admitted !== undefined) await admitted;
      const result = await this.#traced(trace, task);
      this.health.succeeded();
      return result;
    } catch (error) {
      this.#failed([{ namespace }], error);
      throw error;
    }
  }

  #traced<T>(begin: () => CommitTrace, run: () => Promise<T>): Promise<T> {
    return traced(commitTraces, this.context.clock, {
      begin,
      run,
      failed: (trace, error) => {
        if (this.classify(error) === 'permanent') trace.outcome = 'refused';
      },
    });
  }

  #committed<Row extends RowWrite>(
    atoms: readonly Atom<Row>[],
    outcomes: readonly AtomOutcome[],
    stamp: Stamp,
    { committed }: Pick<WriteHooks<Row>, 'committed'>,
  ): void {
    const rows = atoms.filter((_, i) => outcomes[i]?.kind === 'committed').flat();
    this.#written(rows);
    this.health.succeeded();
    committed(rows, stamp);
  }

  #written(rows: readonly { readonly namespace: string }[]): void {
    for (const { namespace } of rows) {
      const counters = this.#counters.get(namespace);
      if (counters !== undefined) counters.written += 1;
    }
  }

  #failed(rows: readonly { readonly namespace: string }[], error: unknown): void {
    const now = this.context.clock.now();
    for (const namespace of new Set(rows.map((row) => row.namespace)))
      this.#counters.get(namespace)?.writeFailed(error, now);
    // Said once, and no failure of the database.
    if (!isTakenOver(error)) this.health.failed(error);
  }

  #refused<Row extends RowWrite>(
    rows: readonly Row[],
    error: unknown,
    { fateOfRefused, isKnownRefusal }: WriteHooks<Row>,
  ): void {
    const [first] = rows;
    if (first === undefined) return;
    this.#counters.get(first.namespace)?.writeFailed(error, this.context.clock.now());
    if (isKnownRefusal !== undefined && rows.every((row) => isKnownRefusal(row))) return;
    this.health.refused(
      first.namespace,
      rows.map((row) => row.key),
      error,
      fateOfRefused,
    );
  }
}

/** Whether nothing is written any more, since another process has taken the storage over. */
export function isTakenOver(error: unknown): boolean {
  return isCacheError(error, 'INSTANCE_RUNNING');
}

function writeTrace(atoms: readonly Atom[]): () => CommitTrace {
  return () => {
    const rows = atoms.flat();
    const puts = rows.filter(({ value }) => value !== undefined).length;
    const namespaces = [...new Set(rows.map(({ namespace }) => namespace))];
    return { operation: 'write', namespaces, puts, deletes: rows.length - puts };
  };
}
