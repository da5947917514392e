import type { CacheStorageAdapter } from '../../src/core/storage-adapter.js';
import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { Chronicle } from './chronicle.js';
import { Life, SHUTDOWN_TIMEOUT_MS } from './life.js';
import type { State } from './model.js';
import { BACK, KEYS, LOADED_KEY, NAMES, THROUGH, type LifePlan, type Name, type Plan } from './plan.js';
import { Random } from './random.js';
import { Scheduler } from './scheduler.js';
import { SimulatedJournal } from './simulated-journal.js';
import { SimulatedStorage, type Conditions } from './simulated-storage.js';
import type { Tally } from './tally.js';

/** Closing the storage after the deadline may take this long. */
const CLOSE_TIMEOUT_MS = 2000;

/** Something that breaks a promise, put between the engine and its storage: for tests of the oracle itself. */
export type Sabotage = (storage: CacheStorageAdapter, scheduler: Scheduler) => CacheStorageAdapter;

/** Lives through a plan; throws when a promise is broken, with all that happened. */
export class History {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #rows = new InMemoryStorage();
  readonly #journal = new SimulatedJournal();
  readonly #chronicle = new Chronicle();

  constructor(
    private readonly plan: Plan,
    private readonly tally: Tally,
    private readonly sabotage: Sabotage = (storage) => storage,
  ) {
    this.#random = new Random(plan.seed);
    this.#scheduler = new Scheduler(this.#random);
  }

  /** Answers a hash of every choice made. */
  async run(): Promise<number> {
    this.tally.histories += 1;
    try {
      await this.#fill();
      for (const life of this.plan.lives) await this.#live(life);
    } catch (error) {
      throw new Error(`${(error as Error).message}\nWhat happened:\n${this.#chronicle.toString()}`, {
        cause: error,
      });
    }
    return this.#scheduler.trace;
  }

  async #fill(): Promise<void> {
    const puts = this.plan.rows.map((key) => ({ key, value: '1', expiresAt: null }));
    const batch = NAMES.map((namespace) => ({ namespace, puts, deletes: [] }));
    await this.#rows.write(batch, this.#scheduler.now());
  }

  async #live({ steps, end }: LifePlan): Promise<void> {
    const life = await this.#start();
    for (const step of steps) await life.take(step);
    this.#chronicle.note(`   end: ${end.how}`);
    if (end.how === 'crash') await this.#crash(life, end.afterSteps);
    else if (end.how === 'stop') await this.#stop(life);
    else await this.#stopWithoutDatabase(life, end.hangs);
  }

  async #start(): Promise<Life> {
    this.#chronicle.note('   start');
    const conditions: Conditions = { down: false, lies: false, hangs: false, poison: new Set() };
    const simulated = new SimulatedStorage(
      this.#rows,
      this.#scheduler,
      conditions,
      this.tally,
      this.#chronicle,
    );
    this.#conditions = conditions;
    const life = new Life({
      plan: this.plan,
      scheduler: this.#scheduler,
      random: this.#random,
      conditions,
      simulated,
      storage: this.sabotage(simulated, this.#scheduler),
      journal: this.#journal,
      tally: this.tally,
      chronicle: this.#chronicle,
      stored: (name) => this.#stored(name),
    });
    await life.start();
    return life;
  }

  #conditions: Conditions | undefined;

  async #crash(life: Life, afterSteps: number): Promise<void> {
    this.tally.crashes += 1;
    await life.pass(afterSteps);
    this.#scheduler.crash();
    for (const name of THROUGH) life.witness(name).assertHolds(await this.#stored(name));
    for (const name of BACK) life.witness(name).assertHeldSinceFlush(await this.#stored(name), KEYS);
  }

  async #stop(life: Life): Promise<void> {
    this.tally.stops += 1;
    life.turn('fair');
    const { leftBehind } = await life.stop();
    if (leftBehind.length > 0) throw new Error('A stop with a healthy database left entries behind.');
    await this.#assertKept(life);
  }

  async #stopWithoutDatabase(life: Life, hangs: boolean): Promise<void> {
    this.tally.rescues += 1;
    life.turn('down');
    if (this.#conditions !== undefined) this.#conditions.hangs = hangs;
    const before = this.#scheduler.now();
    const { leftBehind } = await life.stop();
    const took = this.#scheduler.now() - before;
    // The clock adds up fractions, and is off by some of the last.
    if (took > SHUTDOWN_TIMEOUT_MS + CLOSE_TIMEOUT_MS + 0.001) throw new Error(`The stop took ${took} ms.`);
    if (leftBehind.length > 0) throw new Error('A stop lost entries beside its journal.');
    await life.pass(50);
    await this.#assertKept(life);
  }

  /** After a stop every call has ended, and the next life, which replays the journal, finds what was acknowledged. */
  async #assertKept(life: Life): Promise<void> {
    for (const witness of life.witnesses) witness.assertSettled();
    this.#scheduler.crash();
    const next = await this.#start();
    for (const name of NAMES) life.witness(name).assertHolds(await this.#stored(name));
    await next.stop();
    this.#scheduler.crash();
  }

  async #stored(name: Name): Promise<State> {
    const { rows } = await this.#rows.load(name, { after: undefined, limit: 1000, now: 0 });
    const entries = rows.filter((row) => row.key !== LOADED_KEY);
    return new Map(entries.map((row) => [row.key, JSON.parse(row.value) as number]));
  }
}
