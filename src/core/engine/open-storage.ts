import { CacheError, isCacheError } from '../cache-error.js';
import type { EngineContext } from '../context.js';
import type { BackplaneStats } from '../definition/backplane-stats.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { NamespaceCounters } from '../definition/namespace-stats.js';
import { PersistedEntries } from '../entries/persisted-entries.js';
import type { KeySpace } from '../keys/key-space.js';
import { persistedLevel, type PersistedLevel } from '../levels/levels.js';
import { DirtyBudget } from '../levels/write-back/dirty-budget.js';
import { GroupCommitter } from '../levels/write-through/group-committer.js';
import { assertWritable } from '../rescue/assert-writable.js';
import type { JournalOrigin, RescueJournal } from '../rescue/rescue-journal.js';
import { replayAtStart } from '../rescue/start-replay.js';
import type { Backplane } from '../sharing/backplane.js';
import { Claim } from '../sharing/claim.js';
import { joinBeside } from '../sharing/claim-wait.js';
import { ALWAYS_FRESH, type Freshness } from '../sharing/freshness.js';
import { ownInstances } from '../sharing/own-instances.js';
import {
  isClaimingStorage,
  isSharedStorage,
  type ClaimEvents,
  type LogHead,
} from '../sharing/shared-storage.js';
import { Sharing } from '../sharing/sharing.js';
import type { Sighting } from '../sharing/sightings.js';
import { StrangerLog } from '../sharing/stranger-log.js';
import type { CacheStorageAdapter, Writer } from '../storage-adapter.js';
import { StorageHealth, type FailureEpisode } from '../writing/storage-health.js';
import { StorageWriter } from '../writing/storage-writer.js';
import { WriteTurns } from '../writing/write-turns.js';
import type { ResolvedEngineOptions } from './engine-options.js';
import { ExpiryPurge } from './expiry-purge.js';
import { openPatiently } from './patient-opening.js';
import { placeOf } from './place-of.js';
import type { SharingReport } from './start-report.js';

/** An open storage, with the parts that all its writes share: writer, turns, committer and budget. */
export class OpenStorage {
  readonly budget: DirtyBudget;
  readonly purge: ExpiryPurge;
  readonly #writer: StorageWriter;
  readonly #turns: WriteTurns;
  readonly #committer: GroupCommitter;
  readonly #entries: PersistedEntries<unknown>[] = [];
  readonly #levels: PersistedLevel<unknown>[] = [];
  readonly #counters: NamespaceCounters[] = [];
  /** Where it is to be alone on the storage. */
  #claim: Claim | undefined;
  readonly #strangers: StrangerLog;
  /** Where other instances work on the storage, too. */
  #sharing: Sharing | undefined;
  /** What it is called there. */
  #writerNumber: Writer | undefined;

  private constructor(
    readonly storage: CacheStorageAdapter,
    private readonly options: ResolvedEngineOptions,
    private readonly context: EngineContext,
    /** Where a stop puts what the storage does not take in time. */
    readonly journal: RescueJournal | undefined,
    /** What carries messages between instances, unless the options say otherwise. */
    private readonly backplane: Backplane | undefined,
  ) {
    const { maxDirty, maxDirtyBytes } = options;
    const health = new StorageHealth(context, options.writeTimeoutMs);
    this.#writer = new StorageWriter(storage, health, context, () => this.#claim?.admit());
    this.#strangers = new StrangerLog(placeOf(storage), context);
    this.#turns = new WriteTurns(context.clock, (error) => {
      context.logger.error(`A part of the cache failed where it should not: ${String(error)}`);
    });
    this.budget = new DirtyBudget({ entries: maxDirty, bytes: maxDirtyBytes }, context.clock);
    this.#committer = new GroupCommitter(this.#writer, this.#turns);
    this.purge = new ExpiryPurge(this.#writer, this.#turns);
  }

  /**
   * Opens the storage, and makes sure of who else works on it. Rejects with `STORAGE_OPEN_FAILED`, with `INSTANCE_RUNNING`, or with
   * the adapter's own error about its configuration.
   */
  static async open(
    storage: CacheStorageAdapter,
    options: ResolvedEngineOptions,
    context: EngineContext,
    journal: RescueJournal | undefined,
    backplane: Backplane | undefined,
  ): Promise<OpenStorage> {
    const opened = new OpenStorage(storage, options, context, journal, backplane);
    try {
      if (journal !== undefined) assertWritable(journal, context);
      await openPatiently(storage, context);
    } catch (error) {
      throw openFailed(storage, error);
    }
    try {
      await opened.#begin();
    } catch (error) {
      opened.ending();
      await opened.close().catch(() => undefined);
      throw openFailed(storage, error);
    }
    return opened;
  }

  /** Has `recovered` called at the end of each episode of failures. */
  onRecovery(recovered: () => void): void {
    this.#writer.health.onRecovery(recovered);
  }

  /** The failures to write there are now; `undefined` where writing works. */
  get failures(): FailureEpisode | undefined {
    return this.#writer.health.episode;
  }

  /** The memory and the level of one persisted namespace. */
  attach<V>(
    definition: NamespaceDefinition<unknown, V>,
    keys: KeySpace<unknown>,
    counters: NamespaceCounters,
  ): { entries: PersistedEntries<V>; level: PersistedLevel<V> } {
    const { storage, context, budget } = this;
    const { clock } = context;
    const { freshness, isShared } = this;
    const entries = new PersistedEntries<V>({
      definition,
      keys,
      storage,
      clock,
      counters,
      isShared,
      freshness,
      onReadFailed: (error) =>
        context.failures?.record({ type: 'read-failed', namespace: definition.name, error }, clock.now()),
    });
    this.#sharing?.listen(definition.name, entries);
    this.#counters.push(counters);
    this.#entries.push(entries as PersistedEntries<unknown>);
    this.#writer.count(definition.name, counters);
    const level = persistedLevel<V>({
      definition,
      keys,
      entries,
      counters,
      storage,
      context,
      budget,
      writer: this.#writer,
      turns: this.#turns,
      committer: this.#committer,
      writeTimeoutMs: this.options.writeTimeoutMs,
      isJournalled: this.journal !== undefined,
      isShared,
    });
    this.#levels.push(level);
    if (this.taken !== undefined) level.refuseWrites(this.taken);
    return { entries, level };
  }

  /** Whether other instances may write to the rows. */
  get isShared(): boolean {
    return this.options.instances === 'many';
  }

  /** How far memory can be trusted. */
  get freshness(): Freshness {
    return this.#sharing?.freshness ?? ALWAYS_FRESH;
  }

  /** How many instances work on the storage, as far as is known. */
  get instances(): number {
    return Math.max(1, this.#sharing?.instances ?? 1);
  }

  /** What keeps this instance from those that work on the storage; `undefined` where it is one of them. */
  get exclusion(): CacheError | undefined {
    return this.#sharing?.exclusion;
  }

  /** The figures of the messages between them; `undefined` where there are none. */
  get backplaneStats(): BackplaneStats | undefined {
    return this.#sharing?.backplaneStats;
  }

  /** The instances that work on the storage, as they were seen last; this one alone where it is not shared. */
  get sightings(): readonly Sighting[] {
    return this.#sharing?.sightings ?? [];
  }

  /** Notes what was read of them beside. */
  readonly saw = (heads: readonly LogHead[]): void => this.#sharing?.saw(heads);

  /** Where it is, for people: no credentials. */
  get place(): string {
    return placeOf(this.storage);
  }

  /** Which of them this one is; `undefined` where it has joined nobody. */
  get writer(): Writer | undefined {
    return this.#writerNumber ?? this.#claim?.writer;
  }

  /** When memory was confirmed last, ms ago; `undefined` where nobody else can make it old. */
  get confirmedMsAgo(): number | undefined {
    return this.#sharing?.confirmedMsAgo;
  }

  /** How many commits of this process have written something. */
  get commits(): number {
    return this.#writer.commits;
  }

  /** With whom it is shared; `undefined` where it is not. */
  get sharingReport(): SharingReport | undefined {
    if (this.#sharing === undefined) return undefined;
    return { instances: this.instances, backplane: this.backplaneStats?.name };
  }

  /** Since when nobody knows what the others change, wall-clock ms; `undefined` where it is known, or there are none. */
  get unconfirmedSince(): number | undefined {
    return this.#sharing?.outOfTouchSince;
  }

  /** Looks what the others have changed. Never rejects. */
  async look(): Promise<void> {
    await this.#sharing?.freshness.look();
  }

  /** What tells whose the writes of this process are. */
  get origin(): JournalOrigin {
    return { identity: this.storage.identity, prefixes: this.#writer.stamps.prefixes };
  }

  /** Why nothing is written any more: others have taken the storage over. */
  get taken(): CacheError | undefined {
    return this.#claim?.lost;
  }

  /** The application is being stopped. */
  ending(): void {
    this.#claim?.ending();
    if (this.#writerNumber !== undefined) ownInstances().delete(this.#writerNumber);
  }

  /** Refuses reads from now on, lets others have the storage, and closes it. */
  async close(): Promise<void> {
    for (const { reader } of this.#entries) reader.close();
    // It may have been opened when the stop had begun.
    this.ending();
    await this.#claim?.end();
    await this.#sharing?.close();
    await this.storage.close();
  }

  /** What comes before anyone reads or writes. */
  async #begin(): Promise<void> {
    const { storage, options, context, journal } = this;
    if (options.instances === 'many') await this.#share();
    for (const warning of storage.warnings ?? []) context.logger.warn(warning);
    if (options.instances === 'one') await this.#takeClaim();
    // The journal of an earlier stop is newer than the rows.
    if (journal !== undefined) await replayAtStart(journal, storage, this.#writer, context);
  }

  async #takeClaim(): Promise<void> {
    const { storage, context } = this;
    if (!isClaimingStorage(storage) || !storage.keepsOthersOut) return;
    this.#claim = await Claim.take({
      storage,
      place: placeOf(storage),
      context,
      onLost: (error) => this.#refuseWrites(error),
      onOverwritten: () => this.#overwritten(),
    });
  }

  #refuseWrites(error: CacheError): void {
    for (const level of this.#levels) level.refuseWrites(error);
    this.budget.close(error);
  }

  #overwritten(): void {
    this.#strangers.seen();
    for (const entries of this.#entries) entries.forgetAll();
  }

  /** Takes part in what instances on the storage tell each other. */
  async #share(): Promise<void> {
    const { storage, context, options } = this;
    if (!isSharedStorage(storage)) {
      throw new CacheError(
        'INVALID_OPTION',
        `Cache options: 'instances' must be 'one' for this storage (${placeOf(storage)}): it can't be shared, or its adapter ` +
          'does not implement SharedStorage.',
        { option: 'instances' },
      );
    }
    const join = async (events: ClaimEvents, isAgain: boolean): Promise<Writer> => {
      this.ending();
      const writer = await joinBeside(storage, placeOf(storage), context, events, isAgain);
      this.#writerNumber = writer;
      return writer;
    };
    const { backplane } = options;
    this.#sharing = await Sharing.begin(
      { storage, join, context, uses: () => usesOf(this.#counters) },
      { ...options, backplane: backplane === undefined ? this.backplane : backplane || undefined },
    );
    this.#writer.logTo(this.#sharing);
  }
}

/** How often the namespaces were used, in any way that counts. */
function usesOf(counters: readonly NamespaceCounters[]): number {
  return counters.reduce(
    (sum, { hits, misses, sets, updates, deletes }) => sum + hits + misses + sets + updates + deletes,
    0,
  );
}

function openFailed(storage: CacheStorageAdapter, cause: unknown): CacheError {
  if (isCacheError(cause)) return cause;
  return new CacheError(
    'STORAGE_OPEN_FAILED',
    `The cache could not open its storage (${placeOf(storage)}): ${cause instanceof Error ? cause.message : String(cause)}`,
    { cause },
  );
}
