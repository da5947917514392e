import { CacheError } from '../cache-error.js';
import { within } from '../clock.js';
import { KeySpace } from '../keys/key-space.js';
import { Namespace } from '../namespace/namespace.js';
import type { NamespaceCache } from '../namespace/namespace-cache.js';
import {
  tuneNamespace,
  type NamespaceDefinition,
  type NamespaceTuning,
} from '../definition/namespace-definition.js';
import { NamespaceCounters, type NamespaceStats } from '../definition/namespace-stats.js';
import { MemoryOnly } from '../levels/memory-only.js';
import type { Persistence } from '../levels/persistence.js';
import { CachePersistenceLevel } from '../definition/persistence-level.js';
import { sumFlushes, sumLoads, type FlushReport, type LeftBehind, type LoadReport } from '../reports.js';
import { Rescue } from '../rescue/rescue.js';
import type { RescueJournal } from '../rescue/rescue-journal.js';
import type { CacheStorageAdapter } from '../storage-adapter.js';
import { Checkpoints } from './checkpoints.js';
import type { EngineContext } from '../context.js';
import type { CacheLogger } from '../cache-logger.js';
import { SafeLogger } from '../safe-logger.js';
import type { ResolvedEngineOptions } from './engine-options.js';
import { EngineStop } from './engine-stop.js';
import { OpenStorage } from './open-storage.js';

/** How much of the stop's time its first drain may take. */
const DRAIN_SHARE = 0.75;

/** The figures of every namespace, by name. */
export type CacheStats = Readonly<Record<string, NamespaceStats>>;

/** What a stop did. */
export interface StopReport {
  /** Entries written since the stop began. */
  readonly written: number;
  readonly durationMs: number;
  /** What is lost, by namespace: neither written nor in the rescue journal. Empty after a good stop. */
  readonly leftBehind: readonly LeftBehind[];
}

interface Member {
  /** What was registered: definitions are told apart by identity. */
  readonly declared: NamespaceDefinition;
  /** The same with the overrides. */
  readonly definition: NamespaceDefinition;
  readonly cache: NamespaceCache<unknown, unknown>;
  readonly persistence: Persistence<unknown>;
  readonly loaded: Promise<LoadReport>;
}

/** All namespaces of one application on one storage: their registry, checkpoints, and stop. */
export class CacheEngine {
  readonly #members = new Map<string, Member>();
  #session: Promise<OpenStorage> | undefined;
  #journal: RescueJournal | undefined;
  readonly #checkpoints: Checkpoints;
  private readonly context: EngineContext;
  #stopped: Promise<StopReport> | undefined;
  #ending: EngineStop | undefined;
  /** When the first drain of the stop began, and what was written before it. */
  #stopBegan: { readonly at: number; readonly written: number } | undefined;

  constructor(
    private readonly createStorage: () => CacheStorageAdapter | Promise<CacheStorageAdapter>,
    private readonly options: ResolvedEngineOptions,
    /** Other tuning for namespaces, by name. */
    private readonly overrides: Readonly<Record<string, NamespaceTuning>>,
    context: EngineContext,
    private readonly journalFor: (storage: CacheStorageAdapter) => RescueJournal | undefined = () =>
      undefined,
  ) {
    this.context = { ...context, logger: new SafeLogger(context.logger) };
    this.#checkpoints = new Checkpoints(
      options.checkpointIntervalMs,
      context.clock,
      () => this.#persistences(),
      () => this.#purgeExpired(),
    );
  }

  /**
   * Declares a namespace and loads its rows; the storage is opened for the first one that is persisted. Registering one
   * definition twice gives the same namespace. Rejects with `DUPLICATE_NAMESPACE` for another one of the same name.
   */
  async register<K, V>(definition: NamespaceDefinition<K, V>): Promise<NamespaceCache<K, V>> {
    if (this.#stopped !== undefined) throw new CacheError('CACHE_CLOSED', 'The cache has been stopped.');
    const declared = definition as unknown as NamespaceDefinition;
    const tuned = this.#tuned(declared);
    // The session is asked for first: two calls for one definition must find one member.
    const session = await this.#sessionFor(tuned);
    let member = this.#members.get(declared.name);
    if (member === undefined) {
      member = this.#join(declared, tuned, session);
      this.#members.set(declared.name, member);
    } else if (member.declared !== declared) {
      throw new CacheError(
        'DUPLICATE_NAMESPACE',
        `Two definitions are named '${declared.name}'. Share one definition between modules, or rename one of them.`,
        { namespace: declared.name },
      );
    }
    await member.loaded;
    return member.cache as unknown as NamespaceCache<K, V>;
  }

  /** The namespace of a definition or a name. Throws `UNKNOWN_NAMESPACE` for one that is not declared. */
  namespace<K, V>(which: NamespaceDefinition<K, V> | string): NamespaceCache<K, V> {
    const name = typeof which === 'string' ? which : which.name;
    const member = this.#members.get(name);
    if (member === undefined || (typeof which !== 'string' && member.declared !== (which as unknown))) {
      throw new CacheError(
        'UNKNOWN_NAMESPACE',
        `Namespace '${name}' is not declared${member === undefined ? '' : ' with this definition'}. ` +
          'List its definition in CacheModule.forRoot({ namespaces: [...] }) or CacheModule.forFeature([...]).',
        { namespace: name },
      );
    }
    return member.cache as unknown as NamespaceCache<K, V>;
  }

  /** The app's logger, which throws nothing. */
  get logger(): CacheLogger {
    return this.context.logger;
  }

  get definitions(): readonly NamespaceDefinition[] {
    return [...this.#members.values()].map((member) => member.definition);
  }

  /** Throws `INVALID_OPTION` when an override names a namespace that nobody declared. */
  assertOverridesUsed(): void {
    for (const name of Object.keys(this.overrides)) {
      if (this.#members.has(name)) continue;
      throw new CacheError(
        'INVALID_OPTION',
        `overrides: there is no namespace '${name}'. Declared: ${[...this.#members.keys()].join(', ')}.`,
        { option: 'overrides', namespace: name },
      );
    }
  }

  /** Begins checkpoints, and the purge of expired rows. */
  start(): void {
    this.#checkpoints.start();
  }

  /** What the loads of all namespaces so far did. */
  async loadReport(): Promise<LoadReport> {
    const reports = await Promise.all([...this.#members.values()].map((member) => member.loaded));
    return sumLoads(
      reports,
      reports.reduce((sum, report) => sum + report.durationMs, 0),
    );
  }

  /** Tries to write everything that is dirty now in every persisted namespace. */
  async persistAll(): Promise<FlushReport> {
    const startedAt = this.context.clock.monotonic();
    const reports = await Promise.all(this.#persistences().map((persistence) => persistence.flush()));
    return sumFlushes(reports, this.context.clock.monotonic() - startedAt);
  }

  /** Reads every persisted namespace anew, never over unsaved changes. Rejects with `READ_FAILED`; memory then stays. */
  async loadFromDatabase(): Promise<LoadReport> {
    const startedAt = this.context.clock.monotonic();
    const reports: LoadReport[] = [];
    // One after the other: a load is bound by the database, and pages of one namespace follow each other.
    for (const member of this.#members.values())
      reports.push(await this.#load(member.definition, member.persistence));
    return sumLoads(reports, this.context.clock.monotonic() - startedAt);
  }

  stats(): CacheStats {
    const stats = Object.create(null) as Record<string, NamespaceStats>;
    for (const [name, { cache }] of this.#members) stats[name] = cache.stats();
    return stats;
  }

  /** Begins the stop: writes what is dirty within most of `shutdownTimeoutMs`; writes are still taken. */
  async drain(): Promise<void> {
    if (this.#stopped !== undefined) return;
    const { at } = this.#beginStop();
    // The rest of the time is for what comes after this drain.
    const ms = at + this.options.shutdownTimeoutMs * DRAIN_SHARE - this.context.clock.monotonic();
    await within(this.context.clock, ms, this.persistAll());
  }

  /**
   * Takes no more writes, writes what is dirty within what is left of `shutdownTimeoutMs`, says at error level what could not be
   * written, and closes the storage. Calling it again gives the same report.
   */
  stop(): Promise<StopReport> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /**
   * For the very end of a process that did not stop the cache (`process.exit`, an uncaught exception): puts what is
   * unwritten into the rescue journal, synchronously, and says so.
   */
  rescueAtExit(): void {
    if (this.#ending?.hasRescued === true) return;
    const unwritten = this.#persistences().flatMap((persistence) => persistence.unwritten());
    new Rescue(this.#journal, this.context.logger).save(unwritten);
  }

  /** Closes what a start that failed has opened. Nothing was accepted yet, so there is nothing to write. */
  async abandon(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    await session?.close().catch(() => undefined);
  }

  async #stop(): Promise<StopReport> {
    this.#checkpoints.stop();
    const session = await this.#session?.catch(() => undefined);
    const { at, written } = this.#beginStop();
    this.#ending = new EngineStop(
      this.#persistences(),
      session,
      at + this.options.shutdownTimeoutMs,
      this.context,
    );
    const leftBehind = await this.#ending.run();
    const report = {
      written: this.#written() - written,
      durationMs: this.context.clock.monotonic() - at,
      leftBehind,
    };
    this.context.logger.log(`Cache stopped: ${report.written} entries written in ${report.durationMs} ms.`);
    return report;
  }

  #beginStop(): { readonly at: number; readonly written: number } {
    this.#stopBegan ??= { at: this.context.clock.monotonic(), written: this.#written() };
    return this.#stopBegan;
  }

  #written(): number {
    let written = 0;
    for (const { cache } of this.#members.values()) written += cache.stats().written;
    return written;
  }

  async #purgeExpired(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    const persisted = this.definitions.filter((one) => one.persistence !== CachePersistenceLevel.MEMORY_ONLY);
    session?.purge.request(persisted.map((definition) => definition.name));
  }

  #persistences(): Persistence<unknown>[] {
    return [...this.#members.values()].map((member) => member.persistence);
  }

  #tuned(definition: NamespaceDefinition): NamespaceDefinition {
    if (!Object.hasOwn(this.overrides, definition.name)) return definition;
    return tuneNamespace(definition, this.overrides[definition.name] ?? {});
  }

  #sessionFor(definition: NamespaceDefinition): Promise<OpenStorage | undefined> {
    if (definition.persistence === CachePersistenceLevel.MEMORY_ONLY) return Promise.resolve(undefined);
    this.#session ??= Promise.resolve(this.createStorage()).then((storage) => this.#open(storage));
    return this.#session;
  }

  #open(storage: CacheStorageAdapter): Promise<OpenStorage> {
    this.#journal = this.journalFor(storage);
    return OpenStorage.open(storage, this.options, this.context, this.#journal);
  }

  #join(
    declared: NamespaceDefinition,
    definition: NamespaceDefinition,
    session: OpenStorage | undefined,
  ): Member {
    const { clock } = this.context;
    const keys = new KeySpace(definition.name, definition.key);
    const counters = new NamespaceCounters();
    if (session === undefined) {
      const { persistence, store } = MemoryOnly.create(definition, counters, this.context);
      const cache = new Namespace({ definition, keys, store, persistence, counters, clock });
      return { declared, definition, cache, persistence, loaded: persistence.load() };
    }
    const { persistence, entries } = session.attach(definition, keys, counters);
    const { store } = entries;
    const cache = new Namespace({ definition, keys, store, persistence, counters, clock });
    return { declared, definition, cache, persistence, loaded: this.#load(definition, persistence) };
  }

  async #load(definition: NamespaceDefinition, persistence: Persistence<unknown>): Promise<LoadReport> {
    try {
      return await persistence.load();
    } catch (cause) {
      throw new CacheError(
        'READ_FAILED',
        `Namespace '${definition.name}': its rows could not be loaded. See the cause.`,
        { namespace: definition.name, cause },
      );
    }
  }
}
