import { CacheError, isCacheError } from '../../cache-error.js';
import { sleep } from '../../clock.js';
import type { EngineContext } from '../../context.js';
import type { CacheStorageAdapter, NamespaceWrite, StoredEntry } from '../../storage-adapter.js';
import { Backoff } from '../../writing/backoff.js';
import { refusedError, writeFailedError, type StorageHealth } from '../../writing/storage-health.js';
import { writeIsolating, type WriteOutcome } from '../../writing/isolate-refused.js';
import type { WriteTurns, WriteSource } from '../../writing/write-turns.js';

/** Most writes of one namespace in one commit. */
const MAX_WRITES = 1000;
/** The longest wait between two attempts: callers are waiting. */
const MAX_BACKOFF_MS = 250;

/** What becomes of one key in a round. */
export interface RoundWrite {
  readonly namespace: string;
  readonly key: string;
  /** `undefined` to remove the row. */
  readonly value: string | undefined;
  readonly expiresAt: number | null;
  committed(): void;
  /** The database does not have it. */
  failed(error: CacheError): void;
  /** It is given up on, and the database may have it all the same. */
  abandoned(error: CacheError): void;
}

/** The writes of one namespace that go into one commit. */
export interface Round {
  readonly namespace: string;
  /** When the last of its writes was called, on the monotonic clock. */
  readonly calledAt: number;
  /** Whether the namespace is to be cleared before the rest. Known after {@link prepare}. */
  readonly clears: boolean;
  /** What to write, as atoms that must be committed together. May read from the storage, and reject as that does. */
  prepare(): Promise<readonly (readonly RoundWrite[])[]>;
  clearCommitted(): void;
  /** The clear is given up on, and may have happened all the same. */
  clearAbandoned(error: CacheError): void;
  /** Rejects every write of the round: it could not even be prepared. */
  reject(error: CacheError): void;
  /** An attempt that it was part of failed. */
  failedAttempt(error: unknown): void;
  /** It is tried again. */
  retried(): void;
  /** Every write of the round has been settled. */
  finish(): void;
}

/** A namespace whose writes go through the committer. */
export interface CommitSource {
  takeRound(limit: number): Round | undefined;
}

/**
 * Commits the writes of all write-through namespaces: whatever is queued goes into one transaction, takes effect in
 * memory when that has committed, and is acknowledged then (group commit). Under load N writers share a commit; a
 * writer alone waits for one.
 *
 * A commit that fails because of the database's state is tried again until `writeTimeoutMs` after the last of its writes was called.
 */
export class GroupCommitter implements WriteSource {
  readonly #sources = new Set<CommitSource>();
  /** Set at the stop: no attempt begins later than this, on the monotonic clock. */
  giveUpAt = Infinity;

  constructor(
    private readonly storage: CacheStorageAdapter,
    private readonly writer: WriteTurns,
    private readonly health: StorageHealth,
    private readonly context: EngineContext,
    private readonly writeTimeoutMs: number,
  ) {}

  /** `source` has writes queued. */
  request(source: CommitSource): void {
    this.#sources.add(source);
    this.writer.request(this);
  }

  async turn(): Promise<boolean> {
    const rounds: Round[] = [];
    for (const source of this.#sources) {
      const round = source.takeRound(MAX_WRITES);
      if (round === undefined) this.#sources.delete(source);
      else rounds.push(round);
    }
    const deadline = Math.max(...rounds.map((round) => round.calledAt)) + this.writeTimeoutMs;
    const atoms: (readonly RoundWrite[])[] = [];
    for (const round of rounds) {
      // One namespace after the other: they share the one deadline, and most rounds need no query at all.
      for (const atom of await this.#prepare(round, deadline)) atoms.push(atom);
    }
    await this.#commit(atoms, rounds, deadline);
    for (const round of rounds) round.finish();
    return this.#sources.size > 0;
  }

  /** Folds a round and writes its clear, which the rest comes after. */
  async #prepare(round: Round, deadline: number): Promise<readonly (readonly RoundWrite[])[]> {
    let atoms: readonly (readonly RoundWrite[])[];
    try {
      atoms = await this.#persist(() => round.prepare(), [round], deadline);
    } catch (error) {
      round.reject(asWriteFailure(error, round.namespace));
      return [];
    }
    if (!round.clears) return atoms;
    try {
      await this.#persist(() => this.storage.clear(round.namespace), [round], deadline);
      round.clearCommitted();
      return atoms;
    } catch (error) {
      const failure = asWriteFailure(error, round.namespace);
      round.clearAbandoned(failure);
      for (const write of atoms.flat()) write.failed(failure);
      return [];
    }
  }

  async #commit(
    atoms: readonly (readonly RoundWrite[])[],
    rounds: readonly Round[],
    deadline: number,
  ): Promise<void> {
    let open = atoms;
    // Of an attempt that failed nobody knows whether it has committed.
    let isFirstAttempt = true;
    const backoff = new Backoff(MAX_BACKOFF_MS, this.context.random);
    while (open.length > 0) {
      const outcome = await this.#write(open);
      this.#refuse(outcome.refused, rounds, isFirstAttempt);
      isFirstAttempt = false;
      if (outcome.deferred.length === 0) return;
      for (const round of rounds) round.failedAttempt(outcome.error);
      this.health.failed(outcome.error);
      const wait = backoff.next();
      if (!this.#mayWait(wait, deadline)) {
        for (const write of outcome.deferred)
          write.abandoned(writeFailedError(write.namespace, outcome.error));
        return;
      }
      await sleep(this.context.clock, wait);
      for (const round of rounds) round.retried();
      const deferred = new Set(outcome.deferred);
      open = open.filter((atom) => atom.some((write) => deferred.has(write)));
    }
  }

  #write(atoms: readonly (readonly RoundWrite[])[]): Promise<WriteOutcome<RoundWrite>> {
    return writeIsolating(
      atoms,
      async (writes) => {
        await this.storage.write(toBatch(writes), this.context.clock.now());
        this.health.succeeded();
        for (const write of writes) write.committed();
      },
      (error) => this.storage.classify(error),
    );
  }

  #refuse(
    refused: WriteOutcome<RoundWrite>['refused'],
    rounds: readonly Round[],
    isFirstAttempt: boolean,
  ): void {
    for (const { items, error } of refused) {
      const [first] = items;
      if (first === undefined) continue;
      rounds.find((round) => round.namespace === first.namespace)?.failedAttempt(error);
      this.health.refused(
        first.namespace,
        items.map((write) => write.key),
        error,
      );
      for (const write of items) {
        const failure = refusedError(write.namespace, write.key, error);
        if (isFirstAttempt) write.failed(failure);
        else write.abandoned(failure);
      }
    }
  }

  /** Tries until it succeeds, is refused, or the deadline is over. */
  async #persist<T>(attempt: () => Promise<T>, rounds: readonly Round[], deadline: number): Promise<T> {
    const backoff = new Backoff(MAX_BACKOFF_MS, this.context.random);
    for (;;) {
      try {
        // Sequential on purpose: an attempt follows the failure of the one before it.
        return await attempt();
      } catch (error) {
        for (const round of rounds) round.failedAttempt(error);
        if (isCacheError(error) || this.storage.classify(error) === 'permanent') throw error;
        this.health.failed(error);
        const wait = backoff.next();
        if (!this.#mayWait(wait, deadline)) throw error;
        await sleep(this.context.clock, wait);
        for (const round of rounds) round.retried();
      }
    }
  }

  #mayWait(ms: number, deadline: number): boolean {
    return this.context.clock.monotonic() + ms <= Math.min(deadline, this.giveUpAt);
  }
}

function asWriteFailure(error: unknown, namespace: string): CacheError {
  return isCacheError(error) ? error : writeFailedError(namespace, error);
}

function toBatch(writes: readonly RoundWrite[]): NamespaceWrite[] {
  const byNamespace = new Map<string, { namespace: string; puts: StoredEntry[]; deletes: string[] }>();
  for (const { namespace, key, value, expiresAt } of writes) {
    let batch = byNamespace.get(namespace);
    if (batch === undefined) {
      batch = { namespace, puts: [], deletes: [] };
      byNamespace.set(namespace, batch);
    }
    if (value === undefined) batch.deletes.push(key);
    else batch.puts.push({ key, value, expiresAt });
  }
  return [...byNamespace.values()];
}
