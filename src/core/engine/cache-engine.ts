import type { NamespaceWith } from '../namespace/namespace-types.js';
import type { ValueMode } from '../values/value-mode.js';
import { CacheError } from '../cache-error.js';
import type { CacheLogger } from '../cache-logger.js';
import type { EngineContext } from '../context.js';
import type { NamespaceDefinition, NamespaceTuning } from '../definition/namespace-definition.js';
import type { NamespaceStats, NamespaceSummary } from '../definition/namespace-stats.js';
import { FailureLog } from '../failure-log.js';
import { CacheInspection } from '../inspection/cache-inspection.js';
import type { Drainable } from '../levels/drainable.js';
import { acknowledgesEarly, isPersisted } from '../levels/levels.js';
import { Rejections } from '../namespace/rejections.js';
import { sumFlushes, sumLoads, type FlushReport, type LeftBehind, type LoadReport } from '../reports.js';
import { Rescue } from '../rescue/rescue.js';
import type { RescueJournal } from '../rescue/rescue-journal.js';
import { SafeLogger } from '../safe-logger.js';
import type { Backplane } from '../sharing/backplane.js';
import type { CacheStorageAdapter } from '../storage-adapter.js';
import { loadTraces, traced } from '../tracing.js';
import { Checkpoints } from './checkpoints.js';
import type { ResolvedEngineOptions } from './engine-options.js';
import { EngineStop, type StopReport } from './engine-stop.js';
import { HealthCheck, type CacheHealth } from './health-check.js';
import { NamespaceRegistry, type Member } from './namespace-registry.js';
import { OpenStorage } from './open-storage.js';
import { placeOf } from './place-of.js';
import type { StartReport } from './start-report.js';

/** The figures of every namespace, by name. */
export type CacheStats = Readonly<Record<string, NamespaceStats>>;

const NOTHING_LOADED: LoadReport = Object.freeze({ rows: 0, skipped: 0, durationMs: 0 });

/** All namespaces of one application on one storage: how they are opened, loaded, flushed and stopped. */
export class CacheEngine {
  /** What looks after the promises of writes. */
  readonly rejections: Rejections;
  readonly #registry: NamespaceRegistry;
  readonly #loads = new Map<Member, Promise<LoadReport>>();
  #storage: Promise<OpenStorage> | undefined;
  readonly #checkpoints: Checkpoints;
  readonly #stop: EngineStop;
  readonly #health: HealthCheck;
  /** What looks at all there is, for tools: stored keys, rows that don't decode, other instances, failures. */
  readonly inspection: CacheInspection;
  #open: OpenStorage | undefined;
  private readonly context: EngineContext;
  #isStarted = false;

  constructor(
    private readonly createStorage: () => CacheStorageAdapter | Promise<CacheStorageAdapter>,
    private readonly options: ResolvedEngineOptions,
    /** Other tuning for namespaces, by name. */
    overrides: Readonly<Record<string, NamespaceTuning>>,
    context: EngineContext,
    private readonly journalFor: (storage: CacheStorageAdapter) => RescueJournal | undefined = () =>
      undefined,
    /** What carries messages between the instances on a storage unless the options say. */
    private readonly backplaneFor: (storage: CacheStorageAdapter) => Backplane | undefined = () => undefined,
  ) {
    const failures = new FailureLog();
    this.context = { ...context, logger: new SafeLogger(context.logger), failures };
    this.rejections = new Rejections(this.context);
    this.#registry = new NamespaceRegistry(overrides, this.context, this.rejections);
    this.#checkpoints = new Checkpoints(
      options.checkpointIntervalMs,
      context.clock,
      () => this.#levels(),
      () => this.#purgeExpired(),
    );
    this.#stop = new EngineStop(
      {
        levels: () => this.#levels(),
        storage: () => this.#storage,
        rescue: () => new Rescue(this.#open, this.context),
        written: () => this.#written(),
        rest: () => this.#checkpoints.stop(),
      },
      options.shutdownTimeoutMs,
      this.context,
    );
    this.#health = new HealthCheck(
      {
        members: () => this.#registry.members,
        storage: () => this.#storage,
        opened: () => this.#open,
        isClosed: () => this.#stop.state === 'closed',
      },
      options,
      this.context,
    );
    this.inspection = new CacheInspection(
      {
        namespaces: () => this.#registry.members.map(({ inspected }) => inspected),
        opened: () => this.#open,
        mode: options.instances,
      },
      this.context,
      failures,
    );
  }

  /**
   * Declares a namespace and loads its rows; the storage is opened for the first one that is persisted. Registering one
   * definition twice gives the same namespace. Rejects with `DUPLICATE_NAMESPACE` for another one of the same name.
   */
  async register<K, V, M extends ValueMode>(
    definition: NamespaceDefinition<K, V, M>,
  ): Promise<NamespaceWith<K, V, M>> {
    this.#assertNotClosed();
    const declared = definition as unknown as NamespaceDefinition;
    const tuned = this.#registry.tuned(declared);
    this.#registry.announce(declared);
    // The storage comes first: two calls for one definition must find one member.
    const storage = isPersisted(tuned) ? await this.#opened() : undefined;
    this.#assertNotClosed();
    let member = this.#registry.find(declared);
    if (member === undefined) {
      member = this.#registry.join(declared, tuned, storage);
      this.#loads.set(member, this.#load(member));
    }
    await this.#loads.get(member);
    if (this.#isStarted) storage?.purge.request([tuned.name]);
    return member.cache as unknown as NamespaceWith<K, V, M>;
  }

  /** The namespace of a definition or a name. Throws `UNKNOWN_NAMESPACE` for one that is not declared. */
  namespace<K, V, M extends ValueMode>(which: NamespaceDefinition<K, V, M> | string): NamespaceWith<K, V, M> {
    return this.#registry.get(which);
  }

  /** The app's logger, which throws nothing. */
  get logger(): CacheLogger {
    return this.context.logger;
  }

  get definitions(): readonly NamespaceDefinition[] {
    return this.#registry.members.map((member) => member.definition);
  }

  /** The namespaces of which a process that ends without a stop loses what they have acknowledged. */
  get acknowledgingEarly(): readonly NamespaceSummary[] {
    return this.summaries().filter(({ persistenceLevel }) =>
      acknowledgesEarly({ persistence: persistenceLevel }),
    );
  }

  /** Begins checkpoints, and the purge of expired rows: of the namespaces there are, and of each that comes. */
  start(): void {
    this.#isStarted = true;
    this.#checkpoints.start();
  }

  /** What the loads of all namespaces so far did. Rejects where one of them failed. */
  async startReport(): Promise<StartReport> {
    await Promise.all(this.#loads.values());
    const namespaces: StartReport['namespaces'][number][] = [];
    for (const member of this.#registry.members) {
      const { name, persistence } = member.definition;
      namespaces.push({ name, persistence, load: (await this.#loads.get(member)) ?? NOTHING_LOADED });
    }
    const opened = this.#open;
    return {
      database: opened === undefined ? undefined : placeOf(opened.storage),
      sharing: opened?.sharingReport,
      namespaces,
    };
  }

  /** How the cache is. Never rejects. */
  health(): Promise<CacheHealth> {
    return this.#health.check();
  }

  /** The namespaces in the order of their declaration, with their figures. */
  summaries(): readonly NamespaceSummary[] {
    return Object.freeze(
      this.#registry.members.map(({ definition, cache }) =>
        Object.freeze({
          name: definition.name,
          persistenceLevel: definition.persistence,
          stats: Object.freeze(cache.stats()),
        }),
      ),
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
    // One after the other: the database is the limit.
    for (const member of this.#registry.members) reports.push(await this.#load(member));
    return sumLoads(reports, this.context.clock.monotonic() - startedAt);
  }

  stats(): CacheStats {
    const stats = Object.create(null) as Record<string, NamespaceStats>;
    for (const { definition, cache } of this.#registry.members) stats[definition.name] = cache.stats();
    return stats;
  }

  /** Resolves when the cache has stopped, whoever ended it. */
  get stopped(): Promise<StopReport> {
    return this.#stop.report;
  }

  /**
   * Begins the stop, which is to be over by `shutdownTimeoutMs` from now, and writes what is dirty within some of that time.
   * Writes are still taken. To be called again at every step of the application's stop.
   */
  drain(): Promise<void> {
    this.#open?.ending();
    return this.#stop.drain();
  }

  /**
   * Takes no more writes, writes what is dirty within what is left of `shutdownTimeoutMs`, says at error level what could not be
   * written, and closes the storage. Calling it again gives the same report.
   */
  stop(): Promise<StopReport> {
    this.#open?.ending();
    return this.#stop.end();
  }

  /** For a process that has nothing left to do: ends a stop that nobody goes on with, or writes what is dirty. */
  beforeExit(): void {
    this.#stop.beforeExit();
  }

  /**
   * For the very end of a process that did not stop the cache (`process.exit`, an uncaught exception): puts what is
   * unwritten into the rescue journal, synchronously, and says so. Returns what is lost all the same.
   */
  rescueAtExit(): readonly LeftBehind[] {
    return this.#stop.rescueAtExit();
  }

  #assertNotClosed(): void {
    if (this.#stop.state === 'closed') throw new CacheError('CACHE_CLOSED', 'The cache has been stopped.');
  }

  #written(): number {
    let written = 0;
    for (const { cache } of this.#registry.members) written += cache.stats().written;
    return written;
  }

  async #purgeExpired(): Promise<void> {
    const storage = await this.#storage?.catch(() => undefined);
    if (this.#stop.state === 'closed') return;
    storage?.purge.request(this.definitions.filter(isPersisted).map((definition) => definition.name));
  }

  #levels(): Drainable[] {
    return this.#registry.members.flatMap(({ level }) => (level === undefined ? [] : [level]));
  }

  #opened(): Promise<OpenStorage> {
    this.#storage ??= Promise.resolve(this.createStorage()).then(async (storage) => {
      const journal = this.journalFor(storage);
      const backplane = this.backplaneFor(storage);
      this.#open = await OpenStorage.open(storage, this.options, this.context, journal, backplane);
      this.#open.onRecovery(() => this.rejections.recovered());
      return this.#open;
    });
    return this.#storage;
  }

  async #load({ definition, level }: Member): Promise<LoadReport> {
    if (level === undefined) return NOTHING_LOADED;
    try {
      return await traced(loadTraces, this.context.clock, {
        begin: () => ({ namespace: definition.name }),
        run: () => level.load(),
        done: (trace, { rows, skipped }) => Object.assign(trace, { rows, skipped }),
      });
    } catch (cause) {
      throw new CacheError(
        'READ_FAILED',
        `Namespace '${definition.name}': its rows could not be loaded. See the cause.`,
        { namespace: definition.name, cause },
      );
    }
  }
}
