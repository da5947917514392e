import { CacheError } from '../../cache-error.js';
import type { CacheTimer } from '../../clock.js';
import type { EngineContext } from '../../context.js';
import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import type { NamespaceCounters } from '../../definition/namespace-stats.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import type { KeySpace } from '../../keys/key-space.js';
import type { CacheStorageAdapter } from '../../storage-adapter.js';
import { Retry } from '../../writing/retry.js';
import { writeFailedError } from '../../writing/storage-health.js';
import { isTakenOver, type StorageWriter } from '../../writing/storage-writer.js';
import { closedError } from '../level.js';
import { ContendedKeys } from './contended-keys.js';
import { asWriteFailure, CommitRound } from './commit-round.js';
import type { CommitSource, GroupCommitter, Round } from './group-committer.js';
import type { StoredLoads } from './stored-loads.js';
import { WriteQueue, type WriteRequest } from './write-queue.js';

/** Most writes of one namespace in one commit. */
const MAX_WRITES = 1000;
/** The longest wait between two attempts: callers are waiting. */
const MAX_BACKOFF_MS = 250;
/** The longest wait before the database is asked again for what is in doubt. */
const MAX_DOUBT_BACKOFF_MS = 30_000;

export interface CommitLineOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly entries: PersistedEntries<V>;
  readonly storage: CacheStorageAdapter;
  readonly writer: StorageWriter;
  readonly committer: GroupCommitter;
  readonly counters: NamespaceCounters;
  readonly context: EngineContext;
  /** How long after its call a write is given up on, ms. */
  readonly writeTimeoutMs: number;
  /** Whether other processes write to the same rows. */
  readonly isShared: boolean;
  /** Where they do. */
  readonly loads: StoredLoads | undefined;
}

/**
 * The way of a namespace's writes to their commit, round after round: a round is made ready, handed to the committer, tried
 * again while the database can't take it. A write that waits longer than its time is given up on.
 */
export class CommitLine<V> implements CommitSource {
  readonly #queue: WriteQueue<V>;
  readonly #retry: Retry;
  readonly #doubts: Retry;
  readonly #contended: ContendedKeys;
  #round: CommitRound<V> | undefined;
  /** Whether the database is being asked for what the round builds on, or is being written to. */
  #isPreparing = false;
  #isCommitting = false;
  #deadline: CacheTimer | undefined;
  #closed = false;
  /** Why, where it was not the stop. */
  #refusal: CacheError | undefined;
  /** Writes that the database did not take, and why the last of them was not. */
  #rejected = 0;
  #lastError: CacheError | undefined;
  #lastFailure: unknown;

  constructor(private readonly options: CommitLineOptions<V>) {
    const { context, writer, committer, counters } = options;
    this.#queue = new WriteQueue(context.clock);
    this.#contended = new ContendedKeys(context.clock);
    this.#retry = new Retry(context, writer.health, {
      maxMs: MAX_BACKOFF_MS,
      keepsAlive: true,
      again: () => {
        counters.retries += 1;
        committer.request(this);
      },
    });
    this.#doubts = new Retry(context, writer.health, {
      maxMs: MAX_DOUBT_BACKOFF_MS,
      keepsAlive: false,
      again: () => committer.request(this),
    });
  }

  /** Writes that have not ended. */
  get length(): number {
    return this.#queue.open;
  }

  /** How long the oldest of them has been waiting, ms. */
  get oldestMs(): number {
    const oldest = this.#round?.oldestAt ?? this.#queue.oldestAt;
    return oldest === undefined ? 0 : this.options.context.clock.monotonic() - oldest;
  }

  /** How many writes the database did not take so far, and why the last of them was not. */
  get rejected(): { readonly count: number; readonly lastError: CacheError | undefined } {
    return { count: this.#rejected, lastError: this.#lastError };
  }

  /** Puts a write in line; settles as it does. */
  push(request: WriteRequest<V>): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#refusal ?? closedError(this.options.definition.name));
    const written = this.#queue.push(request);
    this.#watchDeadline();
    this.options.committer.request(this);
    return written;
  }

  /** Resolves when every write accepted so far has ended. */
  settled(): Promise<void> {
    return this.#queue.settled();
  }

  /** Takes no more writes: each rejects with `error`, or `CACHE_CLOSED`. */
  close(error: CacheError | undefined): void {
    this.#closed = true;
    this.#refusal ??= error;
    this.#doubts.cancel();
  }

  /** Ends every write: no more attempts. */
  giveUp(): void {
    const { name } = this.options.definition;
    this.#retry.cancel();
    this.#endWatch();
    this.#queue.rejectBefore(Infinity, closedError(name));
    // Its outcome is unknown: it may yet commit, or never have begun.
    this.#round?.reject(writeFailedError(name, new Error('the cache stopped before the database answered')));
  }

  readyRound(): Round | undefined {
    if (this.#isPreparing || this.#isCommitting || this.#retry.isWaiting) return undefined;
    if (this.#round === undefined && !this.#beginRound()) return undefined;
    const round = this.#round as CommitRound<V>;
    // What was given up on since it was made ready must not be written.
    round.dropEnded();
    if (!round.isReady) this.#prepare(round);
    this.#isCommitting = round.isReady;
    this.#endWatch();
    this.#watchDeadline();
    return round.isReady ? round : undefined;
  }

  /** Takes the next writes, or none where the database is to be asked for what is in doubt. Answers whether there is something to do. */
  #beginRound(): boolean {
    const { entries } = this.options;
    if (this.#queue.isEmpty && (!entries.isInDoubt || this.#doubts.isWaiting || this.#closed)) return false;
    this.#round = new CommitRound(this.#queue.take(MAX_WRITES), {
      ...this.options,
      contended: this.#contended,
      onAttempted: (error) => this.#attempted(error),
      onReject: (count, error) => this.#noteRejected(count, error),
    });
    return true;
  }

  /** Makes the round ready: at once, or when the database has answered. */
  #prepare(round: CommitRound<V>): void {
    let prepared: Promise<void> | undefined;
    try {
      prepared = round.prepare();
    } catch (error) {
      prepared = Promise.reject(error);
    }
    if (prepared === undefined) return;
    this.#isPreparing = true;
    prepared.then(
      () => {
        this.#isPreparing = false;
        this.#retry.reset();
        this.options.committer.request(this);
      },
      (error: unknown) => {
        this.#isPreparing = false;
        this.#prepareFailed(round, error);
      },
    );
  }

  #prepareFailed(round: CommitRound<V>, error: unknown): void {
    const { writer, counters, context, definition } = this.options;
    counters.writeFailed(error, context.clock.now());
    if (writer.classify(error) === 'permanent') {
      round.reject(asWriteFailure(error, definition.name));
      this.#endRound();
      return;
    }
    writer.health.failed(error);
    this.#failed(round, error);
  }

  #attempted(error: unknown): void {
    const round = this.#round as CommitRound<V>;
    this.#isCommitting = false;
    if (error === undefined) {
      this.#retry.reset();
      this.#lastFailure = undefined;
      if (round.isOver) this.#endRound();
      else this.#again(round);
    } else {
      this.#failed(round, error);
    }
  }

  /** Others have changed what the round was built on: tries at once again what has time left. */
  #again(round: CommitRound<V>): void {
    const { context, definition, writeTimeoutMs, committer } = this.options;
    const overdue = context.clock.monotonic() - writeTimeoutMs;
    round.rejectBefore(overdue, conflictError(definition.name, writeTimeoutMs));
    round.dropEnded();
    if (round.isOver) this.#endRound();
    else committer.request(this);
  }

  /** Tries again what has time left. */
  #failed(round: CommitRound<V>, error: unknown): void {
    const { context, definition, writeTimeoutMs } = this.options;
    this.#lastFailure = error;
    // Where others have the storage now, no attempt will do better.
    const overdue = isTakenOver(error) ? Infinity : context.clock.monotonic() - writeTimeoutMs;
    round.rejectBefore(overdue, asWriteFailure(error, definition.name));
    round.dropEnded();
    if (round.isOver) {
      this.#endRound();
      return;
    }
    this.#retry.later();
    // What was being written is older than what waited behind it.
    this.#endWatch();
    this.#watchDeadline();
  }

  #noteRejected(count: number, error: CacheError): void {
    if (count === 0) return;
    this.#rejected += count;
    this.#lastError = error;
  }

  #endRound(): void {
    const { entries, committer } = this.options;
    // What it attempted with writes that were given up on is in doubt.
    this.#round?.dropEnded();
    this.#round?.end();
    this.#round = undefined;
    if (entries.isInDoubt) {
      // A round asks the database for it; when no write comes, one without writes does.
      if (!this.#closed) this.#doubts.later();
    } else {
      this.#doubts.cancel();
      this.#doubts.reset();
    }
    if (!this.#queue.isEmpty) {
      committer.request(this);
      return;
    }
    this.#endWatch();
  }

  #endWatch(): void {
    this.#deadline?.cancel();
    this.#deadline = undefined;
  }

  /**
   * One timer for all writes: it fires when the oldest that waits is due, and is set again for what is left. What is being
   * written is not given up in the middle: it is the storage that bounds a commit, and says how it ended. The timer keeps
   * the process alive for it all the same: the storage may hold nothing that does.
   */
  #watchDeadline(): void {
    if (this.#deadline !== undefined || this.length === 0) return;
    const { context, writeTimeoutMs } = this.options;
    const now = context.clock.monotonic();
    const oldest = this.#isCommitting
      ? this.#queue.oldestAt
      : (this.#round?.oldestAt ?? this.#queue.oldestAt);
    const wait = Math.max(1, (oldest ?? now) + writeTimeoutMs - now);
    this.#deadline = context.clock.setTimer(wait, () => this.#endOverdue(), true);
  }

  #endOverdue(): void {
    const { context, definition, committer, writeTimeoutMs } = this.options;
    this.#deadline = undefined;
    // With nothing before them, writes have their turn at once: nothing holds them up but this very process.
    if (this.#round === undefined && !committer.isHeldUp) {
      this.#watchDeadline();
      return;
    }
    const overdue = context.clock.monotonic() - writeTimeoutMs;
    const cause = this.#lastFailure ?? new Error('the database has not answered');
    const error = writeFailedError(definition.name, cause);
    if (!this.#isCommitting) this.#round?.rejectBefore(overdue, error);
    this.#noteRejected(this.#queue.rejectBefore(overdue, error), error);
    if (this.#retry.isWaiting && this.#round?.isOver === true) {
      this.#retry.cancel();
      this.#round.dropEnded();
      this.#endRound();
    }
    this.#watchDeadline();
  }
}

function conflictError(namespace: string, writeTimeoutMs: number): CacheError {
  return new CacheError(
    'CONFLICT',
    `Namespace '${namespace}': other processes have changed the key again and again, for ${writeTimeoutMs} ms (writeTimeoutMs). ` +
      'Nothing was written; try again, or spread what is written so often over several keys.',
    { namespace },
  );
}
