import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import type { NamespaceCache } from '../../src/index.js';
import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { RecordingLogger } from '../support/recording-logger.js';
import type { State, Write } from './model.js';
import type { Level, Life, Plan, Step } from './plan.js';
import { Random } from './random.js';
import { Scheduler } from './scheduler.js';
import { SimulatedJournal } from './simulated-journal.js';
import { SimulatedStorage, type FaultCount, type Weather } from './simulated-storage.js';
import { Witness } from './witness.js';

const KEYS = ['a', 'b', 'c', 'd'];
const LEVELS: readonly Level[] = ['through', 'back'];
/** More choices than any history needs: one that takes them all hangs. */
const ENDLESS = 20_000;

/** What happened in histories, summed. */
export interface Tally extends FaultCount {
  histories: number;
  operations: number;
  crashes: number;
  stops: number;
  rescues: number;
}

export function newTally(): Tally {
  return {
    histories: 0,
    operations: 0,
    crashes: 0,
    stops: 0,
    rescues: 0,
    transient: 0,
    refused: 0,
    lies: 0,
    hangs: 0,
  };
}

class Expected extends Error {}

/** Lives through a plan with the real engine; throws when a promise is broken. */
export class History {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #rows = new InMemoryStorage();
  readonly #journal = new SimulatedJournal();
  #weather!: Weather;
  #storage!: SimulatedStorage;
  #engine!: CacheEngine;
  readonly #caches = new Map<Level, NamespaceCache<string, number>>();
  readonly #witnesses = new Map<Level, Witness>();
  #hasLied = false;

  constructor(
    private readonly plan: Plan,
    private readonly tally: Tally,
  ) {
    this.#random = new Random(plan.seed);
    this.#scheduler = new Scheduler(this.#random);
  }

  /** Answers a hash of the whole trace. */
  async run(): Promise<number> {
    this.tally.histories += 1;
    for (const life of this.plan.lives) await this.#live(life);
    return this.#scheduler.trace;
  }

  async #live(life: Life): Promise<void> {
    await this.#start();
    for (const step of life.steps) await this.#take(step);
    if (life.end.how === 'crash') await this.#crash(life.end.afterSteps);
    else if (life.end.how === 'stop') await this.#stop();
    else await this.#stopWithoutDatabase(life.end.hangs);
  }

  async #start(): Promise<void> {
    this.#weather = { down: false, lies: false, hangs: false, poison: new Set() };
    this.#hasLied = false;
    this.#storage = new SimulatedStorage(this.#rows, this.#scheduler, this.#weather, this.tally);
    const { maxPending, maxEntries } = this.plan;
    const storage = this.#storage;
    this.#engine = new CacheEngine(
      () => storage,
      resolveEngineOptions({
        maxPending,
        shutdownTimeoutMs: 5000,
        writeTimeoutMs: 2000,
        checkpointIntervalMs: 1000,
      }),
      {},
      { clock: this.#scheduler, logger: new RecordingLogger(), random: () => this.#random.next() },
      () => this.#journal,
    );
    const through = namespaceOf<number>(ON_CHANGE, { name: 'through', maxEntries });
    const back = namespaceOf<number>(ON_SHUTDOWN, { name: 'back', maxEntries });
    await this.#until(
      Promise.all([this.#engine.register(through), this.#engine.register(back)]).then(([one, other]) => {
        this.#caches.set('through', one).set('back', other);
      }),
    );
    this.#engine.start();
    for (const level of LEVELS) this.#witnesses.set(level, new Witness(level, await this.#stored(level)));
  }

  async #take(step: Step): Promise<void> {
    switch (step.do) {
      case 'write':
        this.tally.operations += 1;
        this.#witness(step.level).sees(step.write, this.#write(step.level, step.write), () => this.#hasLied);
        break;
      case 'read':
        this.tally.operations += 1;
        this.#cache(step.level)
          .get(step.key)
          .catch(() => undefined);
        this.#assertCommittedIsSeen(step.key);
        break;
      case 'flush':
        this.#flush();
        break;
      case 'reload':
        this.#engine.loadFromDatabase().catch(() => undefined);
        break;
      case 'weather':
        this.#turn(step.weather);
        break;
      case 'pass':
        for (let i = 0; i < step.steps; i += 1) await this.#scheduler.step();
        break;
    }
  }

  #write(level: Level, write: Write): Promise<unknown> {
    const cache = this.#cache(level);
    switch (write.kind) {
      case 'set':
        return cache.set(write.key, write.value);
      case 'update':
        return cache.update(write.key, (value) => (value ?? 0) + write.add);
      case 'throw':
        return cache
          .update(write.key, () => {
            throw new Expected();
          })
          .catch((error: unknown) => {
            if (!(error instanceof Expected)) throw error;
          });
      case 'delete':
        return cache.delete(write.key);
      case 'rename':
        return cache.rename(write.key, write.to);
      case 'clear':
        return cache.clear();
    }
  }

  /** A flush that left nothing behind has written every call that had been acknowledged before it. */
  #flush(): void {
    const witness = this.#witness('back');
    const cache = this.#cache('back');
    const { settled } = witness;
    void cache.flush().then((report) => {
      if (report.failed === 0 && report.remaining === 0) witness.flushed(settled);
    });
  }

  #turn(weather: 'fair' | 'down' | 'lies' | 'poison'): void {
    this.#weather.down = weather === 'down';
    this.#weather.lies = weather === 'lies';
    this.#weather.poison.clear();
    if (weather === 'poison') this.#weather.poison.add(KEYS[this.#random.below(KEYS.length)] as string);
    if (weather === 'lies') this.#hasLied = true;
  }

  async #crash(afterSteps: number): Promise<void> {
    this.tally.crashes += 1;
    for (let i = 0; i < afterSteps; i += 1) await this.#scheduler.step();
    this.#scheduler.crash();
    this.#witness('through').assertHolds(await this.#stored('through'));
    this.#witness('back').assertHeldSinceFlush(await this.#stored('back'), KEYS);
  }

  async #stop(): Promise<void> {
    this.tally.stops += 1;
    this.#turn('fair');
    // The deadline may come first, also with a healthy database: a commit under way then has an end that nobody saw.
    this.#hasLied = true;
    const stopped = this.#engine.stop();
    await this.#until(stopped);
    if ((await stopped).leftBehind.length > 0)
      throw new Error('A stop with a healthy database left entries behind.');
    await this.#assertKept();
  }

  async #stopWithoutDatabase(hangs: boolean): Promise<void> {
    this.tally.rescues += 1;
    this.#turn('down');
    this.#weather.hangs = hangs;
    // A commit under way when the database goes away may have happened.
    this.#hasLied = true;
    const before = this.#scheduler.now();
    const stopped = this.#engine.stop();
    await this.#until(stopped);
    const took = this.#scheduler.now() - before;
    if (took > 5000 + 2000) throw new Error(`The stop took ${took} ms.`);
    if ((await stopped).leftBehind.length > 0) throw new Error('A stop lost entries beside its journal.');
    for (let i = 0; i < 50; i += 1) await this.#scheduler.step();
    await this.#assertKept();
  }

  /** After a stop every call has ended, and the next life, which replays the journal, finds what was acknowledged. */
  async #assertKept(): Promise<void> {
    const witnesses = LEVELS.map((level) => this.#witness(level));
    for (const witness of witnesses) witness.assertSettled();
    this.#scheduler.crash();
    await this.#start();
    for (const witness of witnesses) witness.assertHolds(await this.#stored(witness.name as Level));
    await this.#until(this.#engine.stop());
    this.#scheduler.crash();
  }

  /** Write-through never shows what was not committed. */
  #assertCommittedIsSeen(key: string): void {
    const seen = this.#cache('through').getIfPresent(key);
    if (seen === undefined || this.#before('through', key) === seen) return;
    const committed = this.#storage.committed.get(`through ${key}`);
    if (committed?.has(JSON.stringify(seen)) === true) return;
    throw new Error(`through: ${key} shows ${seen}, which was never committed.`);
  }

  #before(level: Level, key: string): number | undefined {
    return this.#witness(level).before.get(key);
  }

  async #stored(level: Level): Promise<State> {
    const rows = await this.#rows.load(level, { after: undefined, limit: 1000, now: 0 });
    return new Map(rows.map((row) => [row.key, JSON.parse(row.value) as number]));
  }

  /** Lets the scheduler go on until `promise` has settled. */
  async #until(promise: Promise<unknown>): Promise<void> {
    const ending = { hasCome: false };
    const come = (): void => {
      ending.hasCome = true;
    };
    promise.then(come, come);
    for (let i = 0; !ending.hasCome; i += 1) {
      const hasMore = await this.#scheduler.step();
      if ((!hasMore && !ending.hasCome) || i > ENDLESS)
        throw new Error('Something waits for what never comes.');
    }
  }

  #cache(level: Level): NamespaceCache<string, number> {
    return this.#caches.get(level) as NamespaceCache<string, number>;
  }

  #witness(level: Level): Witness {
    return this.#witnesses.get(level) as Witness;
  }
}
