import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { STAMP, writeChanges } from '../../src/testing/contract/changes.js';
import type { StampedEntry } from '../../src/core/storage-adapter.js';
import { Chronicle } from './chronicle.js';
import { SHUTDOWN_TIMEOUT_MS, type EngineParts } from './engine-parts.js';
import { LastWill } from './last-will.js';
import { Life } from './life.js';
import { equalStates, showState, type State } from './model.js';
import { padded, unpadded } from './padding.js';
import {
  BACK,
  KEYS,
  LOADED_KEY,
  NAMES,
  THROUGH,
  type End,
  type LifePlan,
  type Name,
  type Plan,
} from './plan.js';
import { Random } from './random.js';
import { ANSWER_MS, Scheduler } from './scheduler.js';
import { SimulatedJournal } from './simulated-journal.js';
import { IDENTITY, SimulatedStorage, type Conditions } from './simulated-storage.js';
import { Strays } from './strays.js';
import type { Tally } from './tally.js';

/** Closing the storage after the deadline may take this long. */
const CLOSE_TIMEOUT_MS = 250;
/** What is under way when a deadline comes may take so many turns more. */
const LAST_TURNS = 10;

/** How far behind one of two processes is that start together. */
const SLOW_WRITE_MS = 3000;

/** Something that breaks a promise, put between the engine and its world: for tests of the oracles themselves. */
export type Sabotage = (parts: EngineParts, scheduler: Scheduler) => EngineParts;

/** Lives through a plan; throws when a promise is broken, with all that happened. */
export class History {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #rows = new InMemoryStorage();
  readonly #texts = new Map(NAMES.map((name) => [name as string, new Map<string, string>()]));
  readonly #journal = new SimulatedJournal();
  readonly #strays = new Strays();
  readonly #chronicle = new Chronicle();
  /** The rows at the last start. */
  readonly #before = new Map<Name, readonly StampedEntry[]>();
  #conditions = fairConditions();

  constructor(
    private readonly plan: Plan,
    private readonly tally: Tally,
    private readonly sabotage: Sabotage = (parts) => parts,
  ) {
    this.#random = new Random(plan.seed);
    this.#scheduler = new Scheduler(this.#random);
  }

  /** Answers a hash of every choice made. */
  async run(): Promise<number> {
    this.tally.histories += 1;
    this.#strays.watch(this.plan.unruly.includes('listener'));
    try {
      await this.#fill();
      for (const [i, life] of this.plan.lives.entries()) await this.#live(life, i === 0);
      this.#assertForeignIsLeft();
    } catch (error) {
      throw new Error(`${(error as Error).message}\nWhat happened:\n${this.#chronicle.toString()}`, {
        cause: error,
      });
    } finally {
      this.#strays.release();
    }
    return this.#scheduler.trace;
  }

  async #fill(): Promise<void> {
    const puts = this.plan.rows.map((key) => ({ key, value: padded(1), expiresAt: null }));
    const changes = NAMES.map((namespace) => ({ namespace, puts }));
    await writeChanges(this.#rows, changes, this.#scheduler.now());
    for (const texts of this.#texts.values()) for (const { key, value } of puts) texts.set(key, value);
    if (this.plan.ordeal !== 'foreign journal') return;
    const foreign = { op: 'put', key: KEYS[0], value: padded(9), expiresAt: null } as const;
    const origin = { identity: 'another simulation', prefixes: [STAMP / 2 ** 27] };
    this.#journal.appendSync(
      NAMES.map((namespace) => ({ ...foreign, namespace })),
      origin,
    );
  }

  async #live({ steps, end }: LifePlan, isFirst: boolean): Promise<void> {
    const life = await this.#start();
    if (isFirst && this.plan.ordeal === 'foreign journal') await this.#assertUntouched();
    for (const step of steps) await life.take(step);
    this.#chronicle.note(`   end: ${end.how}`);
    if (end.how === 'crash') await this.#crash(life, end.afterSteps);
    else if (end.how === 'stop') await this.#stop(life, end.rested);
    else await this.#stopWithoutDatabase(life, end);
  }

  async #start(): Promise<Life> {
    this.#chronicle.note('   start');
    const life = this.#newLife();
    await life.start();
    for (const name of NAMES) this.#before.set(name, await this.#rowsOf(name));
    return life;
  }

  #newLife(): Life {
    this.#conditions = fairConditions();
    return new Life({
      plan: this.plan,
      scheduler: this.#scheduler,
      random: this.#random,
      conditions: this.#conditions,
      simulated: new SimulatedStorage(
        this.#rows,
        this.#scheduler,
        this.#conditions,
        this.tally,
        this.#chronicle,
        this.#texts,
      ),
      journal: this.#journal,
      sabotage: (parts) => this.sabotage(parts, this.#scheduler),
      strays: this.#strays,
      tally: this.tally,
      chronicle: this.#chronicle,
      stored: (name) => this.#stored(name),
    });
  }

  /** What the journal of another database holds is nothing to this one. */
  async #assertUntouched(): Promise<void> {
    const rows = new Map(this.plan.rows.map((key) => [key, { value: 1, isForever: true }]));
    for (const name of NAMES) {
      const stored = await this.#stored(name);
      if (!equalStates(stored, rows))
        throw new Error(`${name} holds ${showState(stored)} after the start, and nobody wrote that.`);
    }
  }

  /** The journal of another database stays where it is, whatever happens on this one. */
  #assertForeignIsLeft(): void {
    const left = this.plan.ordeal === 'foreign journal' ? 1 : 0;
    if (this.#journal.ofOthers(IDENTITY) !== left)
      throw new Error('The journal of another database is not where it was.');
  }

  /** Two processes start at once: one serves and writes while the other may still be at the journal. */
  async #startTwice(before: Life): Promise<void> {
    const wills = this.#wills();
    const other = this.#newLife();
    // It looks at the rows, and writes when the one that serves has written to them.
    this.#conditions.delayMs = SLOW_WRITE_MS;
    const opening = other.open();
    const life = await this.#start();
    await this.#assertWillDone(before, wills);
    for (const name of NAMES) await life.take({ do: 'update all', name, add: 1, times: 1 });
    for (const name of BACK) await life.take({ do: 'flush', name });
    await life.take({ do: 'wait', ms: 2 * SLOW_WRITE_MS });
    await other.until(opening);
    await other.stop();
    await life.stop();
    for (const name of NAMES) life.witness(name).assertHolds(await this.#stored(name));
    // The late one has set aside what it found newer rows of.
    this.#journal.forgetLast();
    await this.#scheduler.crash();
  }

  async #crash(life: Life, afterSteps: number): Promise<void> {
    this.tally.crashes += 1;
    await life.pass(afterSteps);
    await this.#scheduler.crash();
    for (const name of THROUGH) life.witness(name).assertHolds(await this.#stored(name));
    for (const name of BACK) life.witness(name).assertHeldSinceFlush(await this.#stored(name), KEYS);
  }

  async #stop(life: Life, rested: boolean): Promise<void> {
    this.tally.stops += 1;
    if (rested) await life.rest();
    life.turn('fair', []);
    const { leftBehind } = await life.stop();
    if (leftBehind.length > 0) throw new Error('A stop with a healthy database left entries behind.');
    await life.assertOver();
    await this.#assertKept(life);
  }

  async #stopWithoutDatabase(
    life: Life,
    { hangs, wallMs }: Extract<End, { how: 'stop without database' }>,
  ): Promise<void> {
    this.tally.rescues += 1;
    life.turn('down', []);
    this.#conditions.hangs = hangs;
    const before = this.#scheduler.monotonic();
    const stopped = life.stop();
    life.stepWall(wallMs);
    const { leftBehind } = await stopped;
    const took = this.#scheduler.monotonic() - before;
    if (took > SHUTDOWN_TIMEOUT_MS + CLOSE_TIMEOUT_MS + LAST_TURNS * ANSWER_MS)
      throw new Error(`The stop took ${took} ms.`);
    if (leftBehind.length > 0) throw new Error('A stop lost entries beside its journal.');
    // What hangs may be waited for by whoever called it.
    if (!hangs) await life.assertOver();
    await this.#assertKept(life);
  }

  /** After a stop every call has ended, and the next life, which replays the journal, finds what was acknowledged. */
  async #assertKept(life: Life): Promise<void> {
    for (const witness of life.witnesses) witness.assertSettled();
    await this.#scheduler.crash();
    if (this.plan.ordeal === 'two starts') {
      await this.#startTwice(life);
      return;
    }
    const wills = this.#wills();
    const next = await this.#start();
    await this.#assertWillDone(life, wills);
    await next.stop();
    await this.#scheduler.crash();
  }

  /** What the life that has just ended has left. */
  #wills(): ReadonlyMap<Name, LastWill> {
    return new Map(
      NAMES.map((name) => [name, new LastWill(name, this.#journal, this.#before.get(name) ?? [])]),
    );
  }

  /** Everything that was acknowledged is in the database, or was set aside for a reason that holds. */
  async #assertWillDone(life: Life, wills: ReadonlyMap<Name, LastWill>): Promise<void> {
    for (const [name, will] of wills) {
      life.witness(name).assertHolds(stateOf(will.of(await this.#rowsOf(name))));
      this.tally.unproved += will.unproved;
      if (will.unproved > 0 && this.#knowsEveryRow)
        throw new Error(`${name}: nothing was proved of rows that were all in memory.`);
    }
    this.#journal.forgetLast();
  }

  /** Whether every row was in memory from the start on, and stayed there. */
  get #knowsEveryRow(): boolean {
    return this.plan.maxEntries > KEYS.length && !this.plan.unruly.includes('codec');
  }

  async #rowsOf(name: Name): Promise<readonly StampedEntry[]> {
    return (await this.#rows.load(name, { after: undefined, limit: 1000, now: 0 })).rows;
  }

  async #stored(name: Name): Promise<State> {
    return stateOf(await this.#rowsOf(name));
  }
}

function stateOf(rows: readonly StampedEntry[]): State {
  const entries = rows.filter((row) => row.key !== LOADED_KEY);
  return new Map(
    entries.map((row) => [row.key, { value: unpadded(row.value), isForever: row.expiresAt === null }]),
  );
}

function fairConditions(): Conditions {
  return { down: false, lies: false, hangs: false, delayMs: 0, poison: new Set() };
}
