import { CacheEngine } from '../../../src/core/engine/cache-engine.js';
import { resolveEngineOptions, type ResolvedEngineOptions } from '../../../src/core/engine/engine-options.js';
import type { SharedStorage } from '../../../src/core/sharing/shared-storage.js';
import { CachePersistenceLevel, defineNamespace, json, stringKey } from '../../../src/index.js';
import type { Chronicle } from '../chronicle.js';
import { Patience } from '../patience.js';
import type { Random } from '../random.js';
import type { Scheduler } from '../scheduler.js';
import { Connection } from './connection.js';
import { insidesOf, type Insides } from './insides.js';
import type { ListChecker } from './list-checker.js';
import { ProcessClock, type Suspension } from './process-clock.js';
import { SeenVersions } from './seen-versions.js';
import { SharedCaller } from './shared-caller.js';
import type { SharedDatabase } from './shared-database.js';
import type { Call, SharedPlan, Weather } from './shared-plan.js';
import type { SharedTally } from './shared-tally.js';
import { WireEnd, type Wire } from './wire.js';

const WRITE_TIMEOUT_MS = 2000;
const SHUTDOWN_TIMEOUT_MS = 5000;
/** What was under way when the weather turned may still feel it for so long, ms. */
const AFTERMATH_MS = 1000;
/** The longest that nobody looks at the logs while nothing is wrong, ms. */
const BEAT_MS = 30_000;
/** At rest: the beat, and what comes again and again. */
const PERIODIC_TIMERS = 3;

/** Something that breaks a promise, put between the engine and its storage, or into its options. */
export type SharedSabotage = (parts: {
  readonly storage: SharedStorage;
  readonly options: ResolvedEngineOptions;
}) => { readonly storage: SharedStorage; readonly options: ResolvedEngineOptions };

export interface SharedWorld {
  readonly plan: SharedPlan;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly database: SharedDatabase;
  readonly wire: Wire;
  readonly checkers: ReadonlyMap<string, ListChecker>;
  readonly chronicle: Chronicle;
  readonly tally: SharedTally;
  readonly sabotage: SharedSabotage;
  /** The latest that any process takes the time for. */
  readonly latestNow: () => number;
  readonly broken: (what: string) => void;
}

/** One process of several on one database, with the real engine. */
export class SharedProcess {
  readonly clock: ProcessClock;
  readonly connection: Connection;
  readonly insides: Insides;
  readonly #engine: CacheEngine;
  readonly #patience = new Patience();
  #caller: SharedCaller | undefined;
  #awayUntil = -Infinity;
  #troubledUntil = -Infinity;
  /** So long its monotonic clock does not tell that it has slept: memory may answer as if no time had passed. */
  #asleepUntil = -Infinity;

  constructor(
    readonly name: string,
    private readonly world: SharedWorld,
  ) {
    const { plan, scheduler, random, database, wire, tally, sabotage } = world;
    this.clock = new ProcessClock(scheduler, () => random.next());
    this.connection = new Connection({
      name,
      database,
      scheduler,
      clock: this.clock,
      random,
      tally,
      tellsOfChanges: plan.tellsOfChanges,
    });
    const { maxStaleMs, staleWhileDownMs, pollMs } = plan;
    const given = resolveEngineOptions({
      instances: 'many',
      maxStaleMs,
      staleWhileDownMs,
      pollMs,
      backplane: plan.hasMessages ? new WireEnd(wire, this.clock) : false,
      writeTimeoutMs: WRITE_TIMEOUT_MS,
      shutdownTimeoutMs: SHUTDOWN_TIMEOUT_MS,
    });
    const { storage, options } = sabotage({ storage: this.connection, options: given });
    this.insides = insidesOf(storage);
    const context = { clock: this.clock, logger: SILENT, random: () => random.next() };
    this.#engine = new CacheEngine(() => storage, options, {}, context);
  }

  /** Whether it serves. */
  get isReady(): boolean {
    return this.#caller !== undefined && this.clock.isRunning;
  }

  get caller(): SharedCaller {
    return this.#caller as SharedCaller;
  }

  async start(): Promise<void> {
    const { plan } = this.world;
    const common = {
      key: stringKey(),
      maxEntries: plan.maxEntries,
      persistence: CachePersistenceLevel.ON_CHANGE,
    };
    const lists = await this.#engine.register(
      defineNamespace({ ...common, name: 'lists', value: json<readonly string[]>() }),
    );
    const entries = await this.#engine.register(
      defineNamespace({ ...common, name: 'entries', value: json<string>() }),
    );
    this.#engine.start();
    const { database, checkers, chronicle, tally, broken } = this.world;
    const time = (): number => this.world.scheduler.monotonic();
    this.#caller = new SharedCaller({
      name: this.name,
      lists,
      entries,
      seen: this.#seenVersions(),
      checkers,
      database,
      patience: this.#patience,
      chronicle,
      tally,
      time,
      load: () => this.#engine.loadFromDatabase(),
      broken,
    });
    chronicle.note(`   ${this.name} serves`);
  }

  make(call: Call): void {
    this.#caller?.make(call);
  }

  turn(weather: Weather): void {
    this.#noteTrouble();
    this.world.chronicle.note(`   ${this.name}: ${weather}`);
    this.connection.turn(weather);
    this.#noteTrouble();
  }

  suspend(): void {
    this.world.tally.suspensions += 1;
    this.world.chronicle.note(`   ${this.name} is suspended`);
    this.clock.suspend();
  }

  resume(how: Suspension): void {
    this.world.chronicle.note(`   ${this.name} goes on, it was ${how}`);
    this.clock.resume(how);
    this.#troubledUntil = this.world.scheduler.monotonic();
    if (how === 'asleep') this.#asleepUntil = this.#troubledUntil + this.world.plan.maxStaleMs;
  }

  kill(): void {
    this.world.tally.kills += 1;
    this.world.chronicle.note(`   ${this.name} is killed`);
    this.clock.kill();
    this.#caller = undefined;
  }

  async stop(): Promise<void> {
    this.world.tally.stops += 1;
    this.world.chronicle.note(`   ${this.name} stops`);
    this.#caller = undefined;
    // A stop that the weather hinders rejects what is under way.
    this.#noteTrouble(true);
    await this.#engine.drain();
    await this.#engine.stop();
    this.world.chronicle.note(`   ${this.name} has stopped`);
  }

  /** Throws where something has gone wrong that shows at any time. */
  assertSound(): void {
    if (!this.clock.isRunning) return;
    this.#noteTrouble();
    const { weather } = this.connection;
    const isTroubled =
      weather !== 'fair' || this.world.scheduler.monotonic() - this.#troubledUntil < AFTERMATH_MS;
    this.#patience.assertNobodyWaitsTooLong(
      this.world.scheduler.monotonic(),
      isTroubled,
      weather === 'hangs',
    );
    for (const memory of this.insides.memories) memory.assertConsistent();
  }

  /** Throws where somebody waits, or something is left, when nothing has been asked for in a while. */
  assertIdle(): void {
    this.#patience.assertNobodyWaits();
    for (const memory of this.insides.memories) memory.assertIdle();
    if (this.clock.timers > PERIODIC_TIMERS + 1)
      throw new Error(`At rest ${this.clock.timers} timers of ${this.name} are set.`);
  }

  /** After its stop. */
  assertOver(): void {
    this.#patience.assertNobodyWaits();
    if (this.clock.timers > 0)
      throw new Error(`After its stop ${this.clock.timers} timers of ${this.name} are set.`);
  }

  #seenVersions(): SeenVersions {
    const { plan, scheduler, database, latestNow, tally, broken } = this.world;
    return new SeenVersions({
      name: this.name,
      database,
      maxStaleMs: plan.maxStaleMs,
      mostStaleMs: plan.maxStaleMs + plan.staleWhileDownMs + BEAT_MS + AFTERMATH_MS,
      time: () => scheduler.monotonic(),
      now: this.clock.now,
      latestNow,
      wallSteps: () => this.clock.wallSteps,
      suspensions: () => this.clock.suspensions,
      isWaking: () => this.clock.isWaking || scheduler.monotonic() <= this.#asleepUntil,
      unconfirmed: () => {
        const stats = Object.values(this.#engine.stats());
        return stats.reduce((sum, { unconfirmed }) => sum + unconfirmed, 0);
      },
      wasAwaySince: (time) => {
        this.#noteTrouble();
        return this.#awayUntil + AFTERMATH_MS >= time;
      },
      broken: (what) => broken(`${this.name}: ${what}`),
      onStale: () => {
        tally.stale += 1;
      },
      onUnconfirmed: () => {
        tally.unconfirmed += 1;
      },
    });
  }

  #noteTrouble(isStopping = false): void {
    const { weather } = this.connection;
    if (weather === 'fair' && !isStopping) return;
    this.#troubledUntil = this.world.scheduler.monotonic();
    this.#awayUntil = this.#troubledUntil;
  }
}

const SILENT = {
  log: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
};
