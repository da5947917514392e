import { CacheError } from '../cache-error.js';
import { sleep } from '../clock.js';
import { PersistedEntries } from '../entries/persisted-entries.js';
import type { KeySpace } from '../keys/key-space.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { NamespaceCounters } from '../definition/namespace-stats.js';
import { GroupCommitter } from '../levels/write-through/group-committer.js';
import { DirtyBudget } from '../levels/write-back/dirty-budget.js';
import type { Persistence } from '../levels/persistence.js';
import { WriteBack } from '../levels/write-back/write-back.js';
import { WriteThrough } from '../levels/write-through/write-through.js';
import { CachePersistenceLevel } from '../definition/persistence-level.js';
import type { RescueJournal } from '../rescue/rescue-journal.js';
import { RescueReplay } from '../rescue/rescue-replay.js';
import type { CacheStorageAdapter } from '../storage-adapter.js';
import { Backoff } from '../writing/backoff.js';
import { StorageHealth } from '../writing/storage-health.js';
import { WriteTurns } from '../writing/write-turns.js';
import type { EngineContext } from '../context.js';
import type { ResolvedEngineOptions } from './engine-options.js';
import { ExpiryPurge } from './expiry-purge.js';

/** How long a start waits for the database to take what the journal holds. */
const REPLAY_TIMEOUT_MS = 10_000;
const REPLAY_BACKOFF_MS = 250;

/** An open storage, and the one writer, committer and budget of all that is written to it. */
export class OpenStorage {
  readonly budget: DirtyBudget;
  readonly committer: GroupCommitter;
  readonly purge: ExpiryPurge;
  readonly #writer: WriteTurns;
  readonly #health: StorageHealth;
  readonly #readers: { close(): void }[] = [];

  private constructor(
    readonly storage: CacheStorageAdapter,
    options: ResolvedEngineOptions,
    private readonly context: EngineContext,
    /** Where a stop puts what the storage does not take in time. */
    readonly journal: RescueJournal | undefined,
  ) {
    this.#writer = new WriteTurns(context.clock);
    this.#health = new StorageHealth(context);
    this.budget = new DirtyBudget(options.maxDirty, context.clock);
    this.committer = new GroupCommitter(storage, this.#writer, this.#health, context, options.writeTimeoutMs);
    this.purge = new ExpiryPurge(storage, this.#writer, this.#health, context);
  }

  /** Opens the storage. Rejects with `STORAGE_OPEN_FAILED`, or with what the adapter has to say of its configuration. */
  static async open(
    storage: CacheStorageAdapter,
    options: ResolvedEngineOptions,
    context: EngineContext,
    journal: RescueJournal | undefined,
  ): Promise<OpenStorage> {
    try {
      await storage.open();
      // Before anyone reads: what an earlier stop left in the journal is newer than the rows.
      if (journal !== undefined) await replay(storage, journal, context);
    } catch (error) {
      if (error instanceof CacheError) throw error;
      throw new CacheError(
        'STORAGE_OPEN_FAILED',
        `The cache could not open its storage (${storage.describe()}): ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
    return new OpenStorage(storage, options, context, journal);
  }

  /** The memory and the strategy of one persisted namespace. */
  attach<V>(
    definition: NamespaceDefinition<unknown, V>,
    keys: KeySpace<unknown>,
    counters: NamespaceCounters,
  ): { entries: PersistedEntries<V>; persistence: Persistence<V> } {
    const { storage, context, committer, budget } = this;
    const entries = new PersistedEntries<V>({ definition, keys, storage, clock: context.clock, counters });
    this.#readers.push(entries.reader);
    const parts = { definition, keys, entries, storage, counters, context };
    const persistence =
      definition.persistence === CachePersistenceLevel.ON_CHANGE
        ? new WriteThrough<V>({ ...parts, committer })
        : new WriteBack<V>({ ...parts, budget, writer: this.#writer, health: this.#health });
    return { entries, persistence };
  }

  /** Refuses reads from now on, and closes the storage. */
  async close(): Promise<void> {
    for (const reader of this.#readers) reader.close();
    await this.storage.close();
  }
}

/** Tries for a while: a start after a stop that could not write is likely to meet the same lock. */
async function replay(
  storage: CacheStorageAdapter,
  journal: RescueJournal,
  context: EngineContext,
): Promise<void> {
  const { clock, logger, random } = context;
  const deadline = clock.monotonic() + REPLAY_TIMEOUT_MS;
  const backoff = new Backoff(REPLAY_BACKOFF_MS, random);
  for (;;) {
    try {
      await new RescueReplay(storage, journal, logger, () => clock.now()).run();
      return;
    } catch (cause) {
      const wait = backoff.next();
      if (storage.classify(cause) === 'transient' && clock.monotonic() + wait < deadline) {
        await sleep(clock, wait);
        continue;
      }
      await storage.close().catch(() => undefined);
      throw new CacheError(
        'STORAGE_OPEN_FAILED',
        `The cache could not replay ${journal.describe()}, which holds writes that an earlier stop could not make. ` +
          'Start again when the database can be written to; to start without them, move the file away.',
        { cause },
      );
    }
  }
}
