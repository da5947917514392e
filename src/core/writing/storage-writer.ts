import type { EngineContext } from '../context.js';
import { EVERY_KEY, isEvery } from '../keys/key-range.js';
import type { NamespaceCounters } from '../definition/namespace-stats.js';
import type { CacheStorageAdapter, NamespaceWrite, StorageFailure } from '../storage-adapter.js';
import { commitTraces, traced, type CommitTrace } from '../tracing.js';
import { isolateRefused, type WriteOutcome } from './isolate-refused.js';
import { toBatch, type RowWrite } from './row-write.js';
import type { StorageHealth } from './storage-health.js';

export interface WriteHooks<Row> {
  /** Called as soon as rows are committed, before others are tried. */
  readonly committed: (rows: readonly Row[]) => void;
  /** What becomes of rows that the database refuses, for the log: a sentence. */
  readonly fateOfRefused: string;
  /** Whether the refusal of this row was reported before. */
  readonly isKnownRefusal?: ((row: Row) => boolean) | undefined;
  /** See {@link isolateRefused}. */
  readonly refusalsWithoutSuccess?: number | undefined;
}

/**
 * The only way to write to the storage: writes, clears and purges go through it. It isolates refused rows, raises the
 * counters and reports the storage's health. Each call is one attempt, and there is one call at a time.
 */
export class StorageWriter {
  readonly #counters = new Map<string, NamespaceCounters>();

  constructor(
    private readonly storage: CacheStorageAdapter,
    readonly health: StorageHealth,
    private readonly context: EngineContext,
  ) {}

  /** Counts what is written to `namespace` in `counters` from now on. */
  count(namespace: string, counters: NamespaceCounters): void {
    this.#counters.set(namespace, counters);
  }

  /** Writes atoms, each a list of rows that are committed together. Never rejects: the outcome says what became of each row. */
  async write<Row extends RowWrite>(
    atoms: readonly (readonly Row[])[],
    { committed, fateOfRefused, isKnownRefusal, refusalsWithoutSuccess }: WriteHooks<Row>,
  ): Promise<WriteOutcome<Row>> {
    const outcome = await isolateRefused(
      atoms,
      async (rows) => {
        const batch = toBatch(rows);
        await this.#traced(writeTrace(batch), () => this.storage.write(batch, this.context.clock.now()));
        this.#written(rows);
        this.health.succeeded();
        committed(rows);
      },
      (error) => this.classify(error),
      refusalsWithoutSuccess,
    );
    for (const { items, error } of outcome.refused)
      this.#refused(items, error, fateOfRefused, isKnownRefusal);
    if (outcome.deferred.length > 0) this.#failed(outcome.deferred, outcome.error);
    return outcome;
  }

  /** Removes every row of a namespace, or of those whose keys lie in `range`. Rejects with what the storage throws. */
  async clear(namespace: string, range = EVERY_KEY): Promise<void> {
    await this.#attempt(namespace, 'clear', () =>
      isEvery(range) ? this.storage.clear(namespace) : this.storage.clearRange(namespace, range),
    );
    this.#written([{ namespace }]);
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

  async #attempt<T>(
    namespace: string,
    operation: CommitTrace['operation'],
    task: () => Promise<T>,
  ): Promise<T> {
    const trace = (): CommitTrace => ({ operation, namespaces: [namespace], puts: 0, deletes: 0 });
    try {
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
    this.health.failed(error);
  }

  #refused<Row extends RowWrite>(
    rows: readonly Row[],
    error: unknown,
    fate: string,
    isKnown: ((row: Row) => boolean) | undefined,
  ): void {
    const [first] = rows;
    if (first === undefined) return;
    this.#counters.get(first.namespace)?.writeFailed(error, this.context.clock.now());
    if (isKnown !== undefined && rows.every((row) => isKnown(row))) return;
    this.health.refused(
      first.namespace,
      rows.map((row) => row.key),
      error,
      fate,
    );
  }
}

function writeTrace(batch: readonly NamespaceWrite[]): () => CommitTrace {
  return () => ({
    operation: 'write',
    namespaces: batch.map(({ namespace }) => namespace),
    puts: batch.reduce((sum, { puts }) => sum + puts.length, 0),
    deletes: batch.reduce((sum, { deletes }) => sum + deletes.length, 0),
  });
}
