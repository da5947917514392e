import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import type { StopReport } from '../../src/core/engine/engine-stop.js';
import type { RescueJournal } from '../../src/core/rescue/rescue-journal.js';
import { Caller } from './caller.js';
import type { Chronicle } from './chronicle.js';
import { DirtyBounds } from './dirty-bounds.js';
import { assertKnowledgeHolds, forgetMemories } from './knowledge.js';
import { definitionOf, optionsOf, type EngineParts } from './engine-parts.js';
import type { State } from './model.js';
import { Patience, PATIENCE_MS, RETRY_MS } from './patience.js';
import { BACK, NAMES, type Name, type Plan, type Step, type Weather } from './plan.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';
import type { Conditions, SimulatedStorage } from './simulated-storage.js';
import type { Strays } from './strays.js';
import type { Tally } from './tally.js';
import { SimulatedLogger } from './unruly.js';
import { Witness } from './witness.js';

/** The checkpoint, and the purge of what has expired. */
const PERIODIC_TIMERS = 2;
/** A pause between two attempts of a stop that is over by now may run out. */
const LINGER_MS = 500;
/** More choices than any history needs: one that takes them all hangs. */
const ENDLESS = 20_000;

/** What a life is lived with. */
export interface Surroundings {
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly conditions: Conditions;
  readonly simulated: SimulatedStorage;
  readonly journal: RescueJournal;
  /** Puts something in front of what the engine gets. */
  readonly sabotage: (parts: EngineParts) => EngineParts;
  readonly strays: Strays;
  readonly tally: Tally;
  readonly chronicle: Chronicle;
  /** What the database has of a namespace now. */
  readonly stored: (name: Name) => Promise<State>;
}

/** One process, from its start to its end, with the real engine. Throws as soon as what it sees breaks a promise. */
export class Life {
  readonly #engine: CacheEngine;
  readonly #callers = new Map<Name, Caller>();
  readonly #patience = new Patience();
  #bounds: DirtyBounds | undefined;
  /** Whether a commit may have been reported as failed that was not. */
  #hasLied = false;
  #violation: Error | undefined;

  constructor(private readonly world: Surroundings) {
    const { plan, scheduler, random, sabotage } = world;
    const { storage, clock, journal, options } = sabotage({
      storage: world.simulated,
      clock: scheduler,
      journal: world.journal,
      options: optionsOf(plan),
    });
    this.#engine = new CacheEngine(
      () => storage,
      options,
      {},
      {
        clock,
        logger: new SimulatedLogger(random, plan.unruly.includes('logger')),
        random: () => random.next(),
      },
      () => journal,
    );
  }

  get witnesses(): readonly Witness[] {
    return [...this.#callers.values()].map((caller) => caller.witness);
  }

  witness(name: Name): Witness {
    return this.#caller(name).witness;
  }

  async start(): Promise<void> {
    forgetMemories();
    await this.until(this.open());
  }

  /** As {@link start}, but it is for somebody else to let the scheduler go on. */
  async open(): Promise<void> {
    this.turn('fair', []);
    const caches = await Promise.all(
      NAMES.map(
        async (name) =>
          [
            name,
            await this.#engine.register(definitionOf(name, this.world.plan, this.world.random)),
          ] as const,
      ),
    );
    this.#engine.start();
    const { plan, scheduler, simulated, tally, chronicle } = this.world;
    const world = {
      scheduler,
      simulated,
      patience: this.#patience,
      tally,
      chronicle,
      hasLied: () => this.#hasLied,
      decodesAlways: !this.world.plan.unruly.includes('codec'),
      broken: (what: string) => this.#broken(what),
    };
    for (const [name, cache] of caches) {
      this.#callers.set(
        name,
        new Caller(cache, new Witness(name, await this.world.stored(name), !plan.expires), world),
      );
    }
    const back = BACK.map((name) => this.witness(name));
    this.#bounds = new DirtyBounds(this.world.plan, back, simulated);
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'reload':
        this.#reload();
        break;
      case 'weather':
        this.turn(step.weather, step.keys);
        break;
      case 'step the wall clock':
        this.stepWall(step.ms);
        break;
      case 'pass':
        await this.pass(step.steps);
        break;
      case 'wait':
        await this.#wait(step.ms);
        break;
      case 'write':
      case 'update all':
      case 'set many':
      case 'get or load':
      case 'read':
      case 'scan':
      case 'count':
      case 'flush':
        this.#caller(step.name).take(step);
        break;
    }
    this.#bounds?.assertCount(this.#engine.stats());
    this.#assertUnbroken();
  }

  turn(weather: Weather, poisoned: readonly string[]): void {
    const { conditions, chronicle } = this.world;
    chronicle.note(`   the database: ${weather}`);
    conditions.down = weather === 'down';
    conditions.lies = weather === 'lies';
    conditions.hangs = false;
    conditions.poison.clear();
    if (weather === 'poison') {
      for (const key of poisoned) conditions.poison.add(key);
      this.#bounds?.expectRefusals();
    }
    if (weather === 'lies') this.#hasLied = true;
  }

  stepWall(ms: number): void {
    if (ms === 0) return;
    this.world.tally.wallSteps += 1;
    this.world.chronicle.note(`   the wall clock steps by ${ms} ms`);
    this.world.scheduler.stepWall(ms);
  }

  async pass(steps: number): Promise<void> {
    for (let i = 0; i < steps; i += 1) await this.#step();
  }

  /** Lets time pass until nothing is left to do, and looks whether that is so. */
  async rest(): Promise<void> {
    this.world.tally.rests += 1;
    this.turn('fair', []);
    await this.#wait(RETRY_MS + PATIENCE_MS);
    this.#patience.assertNobodyWaits();
    if (this.world.plan.checkpointIntervalMs === false) {
      for (const name of BACK) this.#caller(name).flush();
    }
    await this.#wait(RETRY_MS + PATIENCE_MS);
    this.#patience.assertNobodyWaits();
    this.#bounds?.assertNothingLeft(this.#engine.stats());
    const { timers } = this.world.scheduler;
    if (timers > PERIODIC_TIMERS) throw new Error(`At rest ${timers} timers are set.`);
  }

  async stop(): Promise<StopReport> {
    // A commit that the deadline or the fault overtakes has an end that nobody sees.
    this.#hasLied = true;
    await this.until(this.#engine.drain());
    return this.until(this.#engine.stop());
  }

  /** After a stop: finishes what is under way, and looks whether anything is left to come. */
  async assertOver(): Promise<void> {
    const { scheduler } = this.world;
    await this.#wait(LINGER_MS);
    while (scheduler.isBusy) await this.#step();
    this.#patience.assertNobodyWaits();
    if (scheduler.timers > 0) throw new Error(`After the stop ${scheduler.timers} timers are set.`);
  }

  /** Lets the scheduler go on until `promise` has settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    const ending = { hasCome: false };
    const come = (): void => {
      ending.hasCome = true;
    };
    promise.then(come, come);
    for (let i = 0; !ending.hasCome; i += 1) {
      const hasMore = await this.#step();
      if ((!hasMore && !ending.hasCome) || i > ENDLESS)
        throw new Error('Something waits for what never comes.');
    }
    return promise;
  }

  async #step(): Promise<boolean> {
    const { scheduler, conditions } = this.world;
    const hasMore = await scheduler.step();
    this.#bounds?.assertBytes();
    assertKnowledgeHolds();
    const isTroubled =
      conditions.down ||
      conditions.lies ||
      conditions.hangs ||
      (conditions.poison.size > 0 && this.#isFull());
    this.#patience.assertNobodyWaitsTooLong(scheduler.monotonic(), isTroubled, conditions.hangs);
    this.#assertUnbroken();
    return hasMore;
  }

  #isFull(): boolean {
    return this.#bounds?.isFullOfRefused(this.#engine.stats()) === true;
  }

  async #wait(ms: number): Promise<void> {
    const passed = new Promise<void>((resolve) => {
      this.world.scheduler.setTimer(ms, resolve);
    });
    await this.until(passed);
  }

  #reload(): void {
    const loaded = this.#engine.loadFromDatabase();
    this.world.chronicle.follow('load from the database', loaded);
    this.#patience.follow('load from the database', loaded, this.world.scheduler.monotonic());
  }

  #assertUnbroken(): void {
    const violation = this.#violation ?? this.world.strays.first;
    if (violation !== undefined) throw violation;
  }

  #broken(what: string): void {
    this.#violation ??= new Error(what);
  }

  #caller(name: Name): Caller {
    return this.#callers.get(name) as Caller;
  }
}
