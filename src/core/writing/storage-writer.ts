import { isCacheError } from '../cache-error.js';
import type { EngineContext } from '../context.js';
import { keysNamedBy, noteOfRemoval, noteOfRows, type Note } from '../sharing/note.js';
import { UNKNOWN_WRITER, WENT_BACK } from '../sharing/shared-storage.js';
import { codeOf } from '../driver-code.js';
import { isEvery } from '../keys/key-range.js';
import type { NamespaceCounters } from '../definition/namespace-stats.js';
import {
  COMMITTED,
  type Atom,
  type AtomOutcome,
  type CacheStorageAdapter,
  type Commit,
  type LogPosition,
  type RowWrite,
  type Stamp,
  type StampedEntry,
  type StorageFailure,
} from '../storage-adapter.js';
import { commitTraces, traced, type CommitTrace } from '../tracing.js';
import { isolateRefused, type WriteOutcome } from './isolate-refused.js';
import { UnknownRemoval, type RangeRemoval } from './range-removal.js';
import { Stamps } from './stamps.js';
import type { StorageHealth } from './storage-health.js';

/** What becomes of the rows of a write, told while it goes on. */
export interface WriteHooks<Row> {
  /** Called before each transaction: where it ends nobody knows how, its stamp in the rows says so, and its note where it leaves one. */
  readonly attempting?: ((rows: readonly Row[], commit: Commit) => void) | undefined;
  /** Called as soon as rows are committed, before others are tried. */
  readonly committed: (rows: readonly Row[], stamp: Stamp) => void;
  /** What becomes of rows that the database refuses, for the log: a sentence. */
  readonly fateOfRefused: string;
  /** Whether the refusal of this row was reported before. */
  readonly isKnownRefusal?: ((row: Row) => boolean) | undefined;
  /** See {@link isolateRefused}. */
  readonly refusalsWithoutSuccess?: number | undefined;
}

type AttemptHooks<Row> = Pick<WriteHooks<Row>, 'attempting' | 'committed'>;

/** How a removal ended of which nobody can tell whether it was committed. */
const NOBODY_KNOWS = Symbol('nobody knows');

/** What a writer needs of a storage. */
export type WritableStorage = Pick<
  CacheStorageAdapter,
  'write' | 'modify' | 'clear' | 'clearRange' | 'purgeExpired' | 'classify' | 'isUndone'
>;

/** Where the commits of this process leave notes for the others. */
export interface CommitLog {
  /** The place of the next one. Rejects where the process can't be made known to the others. */
  next(): Promise<LogPosition>;
  /** The note at a place is there. `text` makes it once more. */
  committed(position: LogPosition, text: () => string): void;
  /** A commit has failed because nobody knows this process any more. */
  expelled(position: LogPosition): void;
  /** A commit has failed because the database lacks what this process has committed before. */
  wentBack(position: LogPosition): void;
  /** A commit has ended nobody knows how. */
  doubted(): void;
  /** See {@link StorageWriter.receipts}. */
  receipts(positions: readonly LogPosition[]): Promise<readonly (Note | null | undefined)[]>;
}

/**
 * The only way to write to the storage: writes, clears and purges go through it. It isolates refused rows, gives each commit its
 * stamp, raises the counters and reports the storage's health. Each call is one attempt, and there is one call at a time.
 */
export class StorageWriter {
  readonly stamps = new Stamps();
  /** How many commits have written something. */
  commits = 0;
  readonly #counters = new Map<string, NamespaceCounters>();
  #log: CommitLog | undefined;
  /** Errors with which a commit has failed before it began. */
  readonly #unbegun = new WeakSet<object>();

  constructor(
    private readonly storage: WritableStorage,
    readonly health: StorageHealth,
    private readonly context: EngineContext,
    /** Asked before each commit, which waits for it and fails with it: others may have taken the storage over. */
    private readonly admit: () => Promise<void> | undefined = () => undefined,
  ) {}

  /** Counts what is written to `namespace` in `counters` from now on. */
  count(namespace: string, counters: NamespaceCounters): void {
    this.#counters.set(namespace, counters);
  }

  /** Leaves a note of each commit in `log` from now on. */
  logTo(log: CommitLog): void {
    this.#log = log;
  }

  /** Writes atoms, each a list of rows that are committed together. Never rejects: the outcome says what became of each row. */
  async write<Row extends RowWrite>(
    atoms: readonly Atom<Row>[],
    hooks: WriteHooks<Row>,
  ): Promise<WriteOutcome<Row>> {
    const outcome = await isolateRefused(
      atoms,
      async (part) => {
        const [commit, outcomes] = await this.#made(writeTrace(part), (begun) => {
          hooks.attempting?.(part.flat(), begun);
          return this.storage.write(part, begun);
        });
        this.#committed(part, outcomes, commit, hooks);
        return outcomes;
      },
      (error) => this.classify(error),
      hooks.refusalsWithoutSuccess,
    );
    this.#ended(outcome, hooks);
    return outcome;
  }

  /**
   * The same for atoms of one namespace of which `decide` says what is written, with their rows held: nothing where it gives no
   * row. It is asked again for what could not be written with others.
   */
  async writeHeld<Row extends RowWrite>(
    namespace: string,
    atoms: readonly Atom<Row>[],
    decide: (atom: Atom<Row>, rows: ReadonlyMap<string, StampedEntry>) => Atom<Row>,
    hooks: WriteHooks<Row>,
  ): Promise<WriteOutcome<Row>> {
    const outcome = await isolateRefused(
      atoms,
      async (part) => {
        const written: number[] = [];
        const decideAll = (found: readonly StampedEntry[]): readonly Atom<Row>[] => {
          const rows = new Map(found.map((row) => [row.key, row]));
          return part
            .map((atom, i) => {
              const decided = decide(atom, rows);
              if (decided.length > 0) written.push(i);
              return decided;
            })
            .filter((atom) => atom.length > 0);
        };
        const keys = part.flat().map(({ key }) => key);
        const ended = await this.#modify(namespace, keys, decideAll, hooks);
        const outcomes = part.map(() => COMMITTED);
        written.forEach((place, i) => {
          outcomes[place] = ended[i] ?? COMMITTED;
        });
        return outcomes;
      },
      (error) => this.classify(error),
      hooks.refusalsWithoutSuccess,
    );
    this.#ended(outcome, hooks);
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
    hooks: AttemptHooks<Row>,
  ): Promise<readonly AtomOutcome[]> {
    try {
      return await this.#modify(namespace, keys, decide, hooks);
    } catch (error) {
      if (this.classify(error) === 'transient') this.#failed([{ namespace }], error);
      throw error;
    }
  }

  async #modify<Row extends RowWrite>(
    namespace: string,
    keys: readonly string[],
    decide: (rows: readonly StampedEntry[]) => readonly Atom<Row>[],
    hooks: AttemptHooks<Row>,
  ): Promise<readonly AtomOutcome[]> {
    let atoms: readonly Atom<Row>[] = [];
    let commit: Commit | undefined;
    const decided = (rows: readonly StampedEntry[]): readonly Atom<Row>[] => {
      atoms = decide(rows);
      if (commit !== undefined) hooks.attempting?.(atoms.flat(), commit);
      return atoms;
    };
    const trace = (): CommitTrace => ({ operation: 'write', namespaces: [namespace], puts: 0, deletes: 0 });
    const [made, outcomes] = await this.#made(trace, (begun) => {
      commit = begun;
      return this.storage.modify(namespace, keys, decided, begun);
    });
    this.#committed(atoms, outcomes, made, hooks);
    return outcomes;
  }

  /**
   * Removes the rows of a range, unless the log knows that an earlier attempt has. Gives how many had not expired; `undefined`
   * where nobody counts. Rejects with what the storage throws, or with {@link UnknownRemoval}.
   */
  async clear(namespace: string, removal: RangeRemoval): Promise<number | undefined> {
    const removed = await this.#attempt(namespace, 'clear', async () => {
      const hasBeenMade = await this.#hasBeenMade(removal);
      if (hasBeenMade !== false) return hasBeenMade === true ? undefined : NOBODY_KNOWS;
      const { range } = removal;
      const commit = await this.#begin();
      removal.attempt = commit;
      const count = await this.#logged(commit, async () => {
        if (!isEvery(range)) return this.storage.clearRange(namespace, range, commit);
        await this.storage.clear(namespace, commit);
        return undefined;
      }).catch((error: unknown) => {
        if (this.isUndone(error)) removal.attempt = undefined;
        throw error;
      });
      const { logged, stamp } = commit;
      if (logged !== undefined) this.#log?.committed(logged, () => noteOfRemoval(stamp, namespace, range));
      return count;
    });
    if (removed === NOBODY_KNOWS) throw new UnknownRemoval(namespace);
    this.#written([{ namespace }]);
    return removed;
  }

  /** Whether one of the attempts was committed; `undefined` where nobody can tell, and it is not to be made again. */
  async #hasBeenMade({ attempt, whenUnknown }: RangeRemoval): Promise<boolean | undefined> {
    if (attempt?.logged === undefined) return false;
    const [note] = await this.receipts([attempt.logged]);
    if (note === undefined) return whenUnknown === 'give up' ? undefined : false;
    return note !== null;
  }

  /** Removes expired rows of a namespace. Rejects with what the storage throws. */
  async purge(namespace: string): Promise<void> {
    await this.#attempt(namespace, 'purge', async () => {
      await this.admit();
      return this.storage.purgeExpired(namespace, this.context.clock.now());
    });
  }

  /**
   * What the notes at places in the log of this process say: `null` where there is none and never will be, `undefined` where
   * nobody can tell any more. Rejects with what the storage throws.
   */
  async receipts(positions: readonly LogPosition[]): Promise<readonly (Note | null | undefined)[]> {
    return positions.length === 0 || this.#log === undefined ? [] : this.#log.receipts(positions);
  }

  /**
   * Those of `rows`, of one namespace, that a commit has written which ended nobody knows how: as far as its note names them.
   * Rejects with what the storage throws.
   */
  async writtenBy<Row extends RowWrite>(
    { logged }: Commit,
    namespace: string,
    rows: readonly Row[],
  ): Promise<readonly Row[]> {
    const [note] = await this.receipts(logged === undefined ? [] : [logged]);
    if (note === undefined || note === null) return [];
    const keys = keysNamedBy(note, namespace);
    const written = rows.filter(({ key }) => keys?.has(key) === true);
    this.#written(written);
    this.health.succeeded();
    return written;
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
    if (isTakenOver(error) || this.#unbegun.has(Object(error) as object)) return true;
    try {
      return this.storage.isUndone?.(error) === true;
    } catch {
      return false;
    }
  }

  /** Rejects where this process can't be made known to the others, or others have taken its place: then nothing was committed. */
  async #begin(): Promise<Commit> {
    try {
      const admitted = this.admit();
      if (admitted !== undefined) await admitted;
      const logged = this.#log === undefined ? undefined : await this.#log.next();
      return { stamp: this.stamps.next(), now: this.context.clock.now(), ...(logged && { logged }) };
    } catch (error) {
      this.#unbegun.add(Object(error) as object);
      throw error;
    }
  }

  /** Begins a commit, and makes it: for those who listen that is one attempt, which may fail before its transaction begins. */
  #made<T>(trace: () => CommitTrace, make: (commit: Commit) => Promise<T>): Promise<readonly [Commit, T]> {
    return this.#traced(trace, async () => {
      const commit = await this.#begin();
      return [commit, await this.#logged(commit, () => make(commit))];
    });
  }

  /** Makes a commit, and tells the log where it has failed for that. */
  async #logged<T>({ logged }: Commit, make: () => Promise<T>): Promise<T> {
    if (logged === undefined) return make();
    try {
      return await make();
    } catch (error) {
      const code = codeOf(error);
      if (code === UNKNOWN_WRITER) this.#log?.expelled(logged);
      else if (code === WENT_BACK) this.#log?.wentBack(logged);
      else if (!this.isUndone(error)) this.#log?.doubted();
      throw error;
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

  #committed<Row extends RowWrite>(
    atoms: readonly Atom<Row>[],
    outcomes: readonly AtomOutcome[],
    { stamp, logged }: Commit,
    { committed }: Pick<WriteHooks<Row>, 'committed'>,
  ): void {
    const rows = atoms.filter((_, i) => outcomes[i]?.kind === 'committed').flat();
    if (logged !== undefined && rows.length > 0) this.#log?.committed(logged, () => noteOfRows(stamp, rows));
    this.#written(rows);
    this.health.succeeded();
    committed(rows, stamp);
  }

  #written(rows: readonly { readonly namespace: string }[]): void {
    if (rows.length > 0) this.commits += 1;
    for (const { namespace } of rows) {
      const counters = this.#counters.get(namespace);
      if (counters !== undefined) counters.written += 1;
    }
  }

  #ended<Row extends RowWrite>(
    { refused, deferred, error: reason }: WriteOutcome<Row>,
    hooks: WriteHooks<Row>,
  ): void {
    for (const { items, error } of refused) this.#refused(items, error, hooks);
    if (deferred.length > 0) this.#failed(deferred, reason);
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
