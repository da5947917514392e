import { CacheError } from '../cache-error.js';
import type { CacheLogger } from '../cache-logger.js';
import { within } from '../clock.js';
import type { EngineContext } from '../context.js';
import type { NamespaceDefinition, NamespaceTuning } from '../definition/namespace-definition.js';
import type { NamespaceStats } from '../definition/namespace-stats.js';
import type { Drainable } from '../levels/drainable.js';
import { acknowledgesEarly, isPersisted } from '../levels/levels.js';
import type { NamespaceCache } from '../namespace/namespace-cache.js';
import { sumFlushes, sumLoads, type FlushReport, type LeftBehind, type LoadReport } from '../reports.js';
import { Rescue } from '../rescue/rescue.js';
import type { RescueJournal } from '../rescue/rescue-journal.js';
import { SafeLogger } from '../safe-logger.js';
import type { CacheStorageAdapter } from '../storage-adapter.js';
import { Checkpoints } from './checkpoints.js';
import type { ResolvedEngineOptions } from './engine-options.js';
import { EngineStop } from './engine-stop.js';
import { NamespaceRegistry, type Member } from './namespace-registry.js';
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

const NOTHING_LOADED: LoadReport = Object.freeze({ rows: 0, skipped: 0, durationMs: 0 });

/** All namespaces of one application on one storage: how they are opened, loaded, flushed and stopped. */
export class CacheEngine {
  readonly #registry: NamespaceRegistry;
  readonly #loads = new Map<Member, Promise<LoadReport>>();
  #storage: Promise<OpenStorage> | undefined;
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
    overrides: Readonly<Record<string, NamespaceTuning>>,
    context: EngineContext,
    private readonly journalFor: (storage: CacheStorageAdapter) => RescueJournal | undefined = () =>
      undefined,
  ) {
    this.context = { ...context, logger: new SafeLogger(context.logger) };
    this.#registry = new NamespaceRegistry(overrides, this.context);
    this.#checkpoints = new Checkpoints(
      options.checkpointIntervalMs,
      context.clock,
      () => this.#levels(),
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
    const tuned = this.#registry.tuned(declared);
    // The storage is asked for first: two calls for one definition must find one member.
    const storage = isPersisted(tuned) ? await this.#opened() : undefined;
    let member = this.#registry.find(declared);
    if (member === undefined) {
      member = this.#registry.join(declared, tuned, storage);
      this.#loads.set(member, this.#load(member));
    }
    await this.#loads.get(member);
    return member.cache as unknown as NamespaceCache<K, V>;
  }

  /** The namespace of a definition or a name. Throws `UNKNOWN_NAMESPACE` for one that is not declared. */
  namespace<K, V>(which: NamespaceDefinition<K, V> | string): NamespaceCache<K, V> {
    return this.#registry.get(which);
  }

  /** The app's logger, which throws nothing. */
  get logger(): CacheLogger {
    return this.context.logger;
  }

  get definitions(): readonly NamespaceDefinition[] {
    return this.#registry.members.map((member) => member.definition);
  }

  /** Whether a process that ends without a stop loses what a namespace has acknowledged. */
  get acknowledgesEarly(): boolean {
    return this.definitions.some(acknowledgesEarly);
  }

  /** Throws `INVALID_OPTION` when an override names a namespace that nobody declared. */
  assertOverridesUsed(): void {
    this.#registry.assertOverridesUsed();
  }

  /** Begins checkpoints, and the purge of expired rows. */
  start(): void {
    this.#checkpoints.start();
  }

  /** What the loads of all namespaces so far did. */
  async loadReport(): Promise<LoadReport> {
    const reports = await Promise.all(this.#loads.values());
    return sumLoads(
      reports,
      reports.reduce((sum, report) => sum + report.durationMs, 0),
    );
  }

  /** Tries to write everything that is dirty now in every persisted namespace. */
  async persistAll(): Promise<FlushReport> {
    const startedAt = this.context.clock.monotonic();
    const reports = await Promise.all(this.#levels().map((level) => level.flush()));
    return sumFlushes(reports, this.context.clock.monotonic() - startedAt);
  }

  /** Reads every persisted namespace anew, never over unsaved changes. Rejects with `READ_FAILED`; memory then stays. */
  async loadFromDatabase(): Promise<LoadReport> {
    const startedAt = this.context.clock.monotonic();
    const reports: LoadReport[] = [];
    // One after the other: a load is bound by the database, and pages of one namespace follow each other.
    for (const member of this.#registry.members) reports.push(await this.#load(member));
    return sumLoads(reports, this.context.clock.monotonic() - startedAt);
  }

  stats(): CacheStats {
    const stats = Object.create(null) as Record<string, NamespaceStats>;
    for (const { definition, cache } of this.#registry.members) stats[definition.name] = cache.stats();
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
    const unwritten = this.#levels().flatMap((level) => level.unwritten());
    new Rescue(this.#journal, this.context.logger).save(unwritten);
  }

  /** Closes what a start that failed has opened. Nothing was accepted yet, so there is nothing to write. */
  async abandon(): Promise<void> {
    const storage = await this.#storage?.catch(() => undefined);
    await storage?.close().catch(() => undefined);
  }

  async #stop(): Promise<StopReport> {
    this.#checkpoints.stop();
    const storage = await this.#storage?.catch(() => undefined);
    const { at, written } = this.#beginStop();
    this.#ending = new EngineStop(this.#levels(), storage, at + this.options.shutdownTimeoutMs, this.context);
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
    for (const { cache } of this.#registry.members) written += cache.stats().written;
    return written;
  }

  async #purgeExpired(): Promise<void> {
    const storage = await this.#storage?.catch(() => undefined);
    if (this.#stopped !== undefined) return;
    storage?.purge.request(this.definitions.filter(isPersisted).map((definition) => definition.name));
  }

  #levels(): Drainable[] {
    return this.#registry.members.flatMap(({ level }) => (level === undefined ? [] : [level]));
  }

  #opened(): Promise<OpenStorage> {
    this.#storage ??= Promise.resolve(this.createStorage()).then((storage) => {
      this.#journal = this.journalFor(storage);
      return OpenStorage.open(storage, this.options, this.context, this.#journal);
    });
    return this.#storage;
  }

  async #load({ definition, level }: Member): Promise<LoadReport> {
    if (level === undefined) return NOTHING_LOADED;
    try {
      return await level.load();
    } catch (cause) {
      throw new CacheError(
        'READ_FAILED',
        `Namespace '${definition.name}': its rows could not be loaded. See the cause.`,
        { namespace: definition.name, cause },
      );
    }
  }
}
