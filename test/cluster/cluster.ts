import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../support/child-process.js';
import { historyOf, type LifeHistory, type Span } from './history.js';
import type { Ground } from './ground.js';
import type { Wire } from './targets.js';

const WORKER = join(import.meta.dirname, 'worker.mjs');

/** What a process may need for a turn of its event loop when it goes on, ms: until then no bound holds in it. */
const TURN_MS = 250;

/** A server that was restarted is away for a second or two. */
const MOST_FAILED_STARTS = 100;

/** The clock that all processes of the host share, ms. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

export interface ClusterOptions {
  readonly workers: number;
  readonly folder: string;
  readonly maxStaleMs: number;
  /** Between two writes of a writer, ms. */
  readonly pauseMs: number;
}

interface Life {
  readonly name: string;
  readonly worker: number;
  readonly child: Child;
  readonly notes: string;
  readonly stops: Span[];
  beganAt?: number;
  endedAt?: number;
  isSuspended: boolean;
  /** Whether its end was asked for. */
  isDue: boolean;
}

let clusters = 0;

/** Processes that work on one database, each started again when it is killed. */
export class Cluster {
  readonly #lives: Life[] = [];
  /** Whose notes are whose in one folder. */
  readonly #number = (clusters += 1);
  /** Starts that failed. */
  failedStarts = 0;

  constructor(
    private readonly wire: Wire,
    private readonly ground: Ground,
    private readonly options: ClusterOptions,
  ) {}

  /** Starts all workers. Resolves when they are at work. */
  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.options.workers }, (_, worker) => this.#begin(worker)));
  }

  /** Kills one of those at work, and starts its successor. Resolves when that is at work. */
  async kill(): Promise<void> {
    const life = this.#anyAtWork();
    if (life === undefined) return;
    this.#end(life);
    life.child.kill('SIGKILL');
    await life.child.ended;
    await this.#begin(life.worker);
  }

  /** Suspends one of those at work for `ms`. */
  async suspend(ms: number): Promise<void> {
    const life = this.#anyAtWork();
    if (life === undefined) return;
    const from = now();
    life.isSuspended = true;
    life.child.kill('SIGSTOP');
    await delay(ms);
    life.child.kill('SIGCONT');
    life.stops.push({ from, to: now() + TURN_MS });
    life.isSuspended = false;
  }

  /** Lets all come to an end by themselves. */
  async finish(): Promise<void> {
    for (const life of this.#lives) {
      if (life.isDue) continue;
      this.#end(life);
      life.child.process.stdin.write('finish\n');
    }
    await Promise.all(this.#lives.map(({ child }) => child.ended));
  }

  /** Ends what still runs, when something has failed. */
  abandon(): void {
    for (const life of this.#lives) {
      life.isDue = true;
      life.child.kill('SIGKILL');
    }
  }

  histories(): LifeHistory[] {
    return this.#lives.map(({ notes, name, worker, stops, beganAt = 0, endedAt = beganAt }) => {
      const stoppedMs = stops.reduce((sum, { from, to }) => sum + to - from, 0);
      return historyOf(notes, { name, worker, stops, workedMs: endedAt - beganAt - stoppedMs });
    });
  }

  #anyAtWork(): Life | undefined {
    const some = this.#lives.filter((life) => life.beganAt !== undefined && !life.isDue && !life.isSuspended);
    return some[Math.floor(Math.random() * some.length)];
  }

  /** Starts a worker, again and again where what happens meanwhile makes its start fail. Resolves when it is at work. */
  async #begin(worker: number): Promise<void> {
    for (;;) {
      const life = this.#newLife(worker);
      this.#lives.push(life);
      const [, failure] = await life.child.prints(/at work|^no start: (.*)$/m);
      if (failure === undefined) {
        life.beganAt = now();
        this.#watch(life);
        return;
      }
      // It has noted nothing.
      this.#lives.splice(this.#lives.indexOf(life), 1);
      this.failedStarts += 1;
      await life.child.ended;
      if (!failure.startsWith('STORAGE_OPEN_FAILED') || this.failedStarts > MOST_FAILED_STARTS)
        throw new Error(`Worker ${life.name} did not start: ${failure}`);
    }
  }

  #newLife(worker: number): Life {
    const number = this.#lives.filter((life) => life.worker === worker).length;
    const name = `${worker}.${number}`;
    const { folder, maxStaleMs, pauseMs } = this.options;
    const notes = join(folder, `${this.#number} ${name}.ndjson`);
    const { storage, redis } = this.ground;
    const order = { storage, redis, wire: this.wire, notes, worker, life: number, maxStaleMs, pauseMs };
    const child = new Child(process.execPath, [WORKER, JSON.stringify(order)]);
    return { name, worker, child, notes, stops: [], isSuspended: false, isDue: false };
  }

  #watch(life: Life): void {
    void life.child.ended.then(({ code, signal, output }) => {
      if (!life.isDue) throw new Error(`Worker ${life.name} ended by itself (${code ?? signal}):\n${output}`);
    });
  }

  #end(life: Life): void {
    life.isDue = true;
    life.endedAt = now();
  }
}
