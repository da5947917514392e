import { Chronicle } from '../chronicle.js';
import { PATIENCE_MS, RETRY_MS } from '../patience.js';
import { Random } from '../random.js';
import { Scheduler } from '../scheduler.js';
import { Strays } from '../strays.js';
import { ListChecker } from './list-checker.js';
import { SharedDatabase } from './shared-database.js';
import { KEYS_OF, type SharedPlan, type SharedStep, type Where } from './shared-plan.js';
import { SharedProcess, type SharedSabotage, type SharedWorld } from './shared-process.js';
import type { SharedTally } from './shared-tally.js';
import { Wire } from './wire.js';

/** An answer takes so long at most, ms: a look at the logs is over well before a read stops waiting for it. */
const ANSWER_MS = 10;
/** More choices than any history needs: one that takes them all hangs. */
const ENDLESS = 200_000;
/** A start that has failed is tried again after so long, ms. */
const RESTART_MS = 1000;

/** Lives through a plan of several processes; throws when a promise is broken, with all that happened. */
export class SharedHistory {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #chronicle = new Chronicle();
  readonly #database: SharedDatabase;
  readonly #checkers = new Map(KEYS_OF.lists.map((key) => [key as string, new ListChecker(key)]));
  readonly #strays = new Strays();
  readonly #world: SharedWorld;
  readonly #processes: SharedProcess[] = [];
  /** Those that have come to their end by themselves. */
  #started = 0;
  #latestAhead = 0;
  #violation: Error | undefined;

  constructor(
    private readonly plan: SharedPlan,
    private readonly tally: SharedTally,
    sabotage: SharedSabotage = (parts) => parts,
  ) {
    this.#random = new Random(plan.seed);
    this.#scheduler = new Scheduler(this.#random, ANSWER_MS);
    const broken = (what: string): void => {
      this.#violation ??= new Error(what);
    };
    this.#database = new SharedDatabase(this.#scheduler, this.#chronicle, broken);
    const parts = {
      database: this.#database,
      scheduler: this.#scheduler,
      random: this.#random,
      tally,
    };
    this.#world = {
      ...parts,
      plan,
      wire: new Wire(parts),
      checkers: this.#checkers,
      chronicle: this.#chronicle,
      sabotage,
      latestNow: () => this.#scheduler.now() + this.#latestAhead,
      broken,
    };
  }

  /** Answers a hash of every choice made. */
  async run(): Promise<number> {
    this.tally.histories += 1;
    this.#strays.watch(false);
    try {
      for (let who = 0; who < this.plan.processes; who += 1) this.#start(who);
      await this.#until(() => this.#processes.every(({ isReady }) => isReady));
      for (const step of this.plan.steps) await this.#take(step);
      await this.#end();
    } catch (error) {
      throw new Error(`${(error as Error).message}\nWhat happened:\n${this.#chronicle.toString()}`, {
        cause: error,
      });
    } finally {
      this.#strays.release();
    }
    return this.#scheduler.trace;
  }

  #start(who: number): void {
    this.#started += 1;
    const process = new SharedProcess(`p${who}-${this.#started}`, this.#world);
    this.#processes[who] = process;
    process.start().catch(() => {
      process.kill();
      this.#scheduler.setTimer(RESTART_MS, () => this.#start(who));
    });
  }

  async #take(step: SharedStep): Promise<void> {
    if (step.do === 'pass') {
      for (let i = 0; i < step.steps; i += 1) await this.#step();
      return;
    }
    if (step.do === 'wait') {
      await this.#wait(step.ms);
      return;
    }
    const process = this.#processes[step.who % this.plan.processes] as SharedProcess;
    if (!process.isReady) return;
    switch (step.do) {
      case 'call':
        process.make(step.what);
        break;
      case 'weather':
        process.turn(step.weather);
        break;
      case 'suspend':
        process.suspend();
        this.#scheduler.setTimer(step.ms, () => process.resume(step.how));
        break;
      case 'kill':
        process.kill();
        this.#replace(process, step.afterMs);
        break;
      case 'stop':
        void process.stop().then(
          () => this.#replace(process, step.afterMs),
          (error: unknown) => this.#world.broken(`A stop rejects: ${String(error)}`),
        );
        break;
      case 'expel':
        await this.#expel(process);
        break;
      case 'write as a newer version':
        process.connection.writesForeign = true;
        break;
      case 'step the wall clock':
        this.#stepWall(process, step.ms);
        break;
    }
    this.#assertUnbroken();
  }

  #replace(process: SharedProcess, afterMs: number): void {
    const who = this.#processes.indexOf(process);
    this.#scheduler.setTimer(afterMs, () => {
      process.clock.kill();
      this.#start(who);
    });
  }

  /**
   * Nobody removes an instance that the others have not seen: it would have to stand still for long before, and so would they.
   * One of them that goes on after a shorter suspension has seen it before.
   */
  async #expel({ name, connection }: SharedProcess): Promise<void> {
    const { writer } = connection;
    const isKnown = this.#processes.every(({ insides, clock }) => {
      const seen = insides.reader?.instances.some((instance) => instance.writer === writer);
      return seen === true || clock.isDead;
    });
    if (writer === undefined || !isKnown) return;
    this.tally.expulsions += 1;
    this.#chronicle.note(`   ${name} is taken for dead`);
    await this.#database.rows.remove(writer);
    this.#database.changes += 1;
  }

  #stepWall(process: SharedProcess, ms: number): void {
    this.tally.wallSteps += 1;
    this.#chronicle.note(`   the wall clock of ${process.name} steps by ${ms} ms`);
    process.clock.stepWall(ms);
    this.#latestAhead = Math.max(this.#latestAhead, process.clock.now() - this.#scheduler.now());
  }

  /** All heals; then everybody sees the same, nobody waits, and it goes on. */
  async #end(): Promise<void> {
    this.#chronicle.note('   all heals');
    for (const process of this.#processes) process.turn('fair');
    await this.#until(() => this.#processes.every(({ isReady }) => isReady));
    for (const process of this.#processes) process.turn('fair');
    await this.#wait(RETRY_MS + PATIENCE_MS + 5000);
    for (const process of this.#processes) process.assertIdle();
    await this.#assertSame();
    await this.#assertPollsGoOn();
    for (const [key, checker] of this.#checkers) checker.assertHolds(this.#listOf(key));
    for (const process of this.#processes) await this.#settled(process.stop());
    await this.#wait(PATIENCE_MS);
    for (const process of this.#processes) process.assertOver();
    this.#assertUnbroken();
  }

  async #assertSame(): Promise<void> {
    for (const { caller, name } of this.#processes) {
      for (const [where, keys] of Object.entries(KEYS_OF) as [Where, readonly string[]][]) {
        for (const key of keys) {
          const { text, expiresAt } = this.#database.timeline(where, key).latest;
          const shown = await this.#settled(caller.textOf(where, key));
          const mayBeGone = expiresAt !== null && expiresAt <= this.#world.latestNow();
          if (shown !== text && !(shown === null && mayBeGone))
            throw new Error(
              `When all has healed ${name} shows ${shown} for ${where} ${key}, which is ${text}.`,
            );
        }
      }
    }
  }

  /** Reads keep everybody looking; what one appends then all others have dropped a while later, nobody having asked. */
  async #assertPollsGoOn(): Promise<void> {
    const [first] = this.#processes as [SharedProcess];
    // A beat may have confirmed what there is, or a row be read: then nobody needs to look for a while.
    for (let i = 0; i < 2; i += 1) {
      for (const { caller } of this.#processes) await this.#settled(caller.textOf('lists', 'one'));
      await this.#wait(this.plan.maxStaleMs + 1);
    }
    for (const [i, key] of KEYS_OF.lists.entries()) {
      for (const { caller } of this.#processes) await this.#settled(caller.textOf('lists', key));
      (this.#processes[i % this.plan.processes] ?? first).make({ call: 'append', key, times: 1 });
      await this.#wait(2 * (this.plan.pollMs + 10 * ANSWER_MS));
      for (const process of this.#processes)
        process.make({ call: 'look', where: 'lists', key, how: 'if present' });
      const latest = this.#database.timeline('lists', key).latest.text;
      for (const { caller, name } of this.#processes) {
        const shown = caller.presentText('lists', key);
        if (shown !== null && shown !== latest)
          throw new Error(`${name} has ${shown} for ${key} and does not look whether it is ${latest}.`);
      }
    }
  }

  #listOf(key: string): readonly string[] {
    return JSON.parse(this.#database.timeline('lists', key).latest.text ?? '[]') as string[];
  }

  async #wait(ms: number): Promise<void> {
    let isOver = false;
    this.#scheduler.setTimer(ms, () => (isOver = true));
    await this.#until(() => isOver);
  }

  async #settled<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    const over = (): boolean => (isOver = true);
    promise.then(over, over);
    await this.#until(() => isOver);
    return promise;
  }

  async #until(isReached: () => boolean): Promise<void> {
    for (let i = 0; !isReached(); i += 1) {
      const hasMore = await this.#step();
      if ((!hasMore && !isReached()) || i > ENDLESS) throw new Error('Something waits for what never comes.');
    }
  }

  async #step(): Promise<boolean> {
    const hasMore = await this.#scheduler.step();
    for (const process of this.#processes) process.assertSound();
    this.#assertUnbroken();
    return hasMore;
  }

  #assertUnbroken(): void {
    const violation = this.#violation ?? this.#strays.first;
    if (violation !== undefined) throw violation;
  }
}
