import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataSourceOptions } from 'typeorm';
import { Child } from '../support/child-process.js';
import { historyOf, type LifeHistory, type Span } from './history.js';
import type { Target } from './targets.js';

const WORKER = join(import.meta.dirname, 'worker.mjs');

/** What a process may need for a turn of its event loop when it goes on, ms: until then no bound holds in it. */
const TURN_MS = 250;

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
  kills = 0;
  stops = 0;
  cuts = 0;

  constructor(
    private readonly target: Target,
    private readonly storage: DataSourceOptions,
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
    this.kills += 1;
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
    this.stops += 1;
    await delay(ms);
    life.child.kill('SIGCONT');
    life.stops.push({ from, to: now() + TURN_MS });
    life.isSuspended = false;
  }

  /** Ends sessions at the database. */
  async cut(whose: 'listeners' | 'one'): Promise<void> {
    await this.target.cut?.(this.storage, whose);
    this.cuts += 1;
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
    for (const { child } of this.#lives) child.kill('SIGKILL');
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

  async #begin(worker: number): Promise<void> {
    const number = this.#lives.filter((life) => life.worker === worker).length;
    const name = `${worker}.${number}`;
    const { folder, maxStaleMs, pauseMs } = this.options;
    const notes = join(folder, `${this.#number} ${name}.ndjson`);
    const { wire, redis } = this.target;
    const order = {
      storage: this.storage,
      wire,
      redis,
      notes,
      worker,
      life: number,
      maxStaleMs,
      pauseMs,
    };
    const child = new Child(process.execPath, [WORKER, JSON.stringify(order)]);
    const life: Life = { name, worker, child, notes, stops: [], isSuspended: false, isDue: false };
    this.#lives.push(life);
    await child.prints(/at work/);
    life.beganAt = now();
    void child.ended.then(({ code, signal, output }) => {
      if (!life.isDue) throw new Error(`Worker ${name} ended by itself (${code ?? signal}):\n${output}`);
    });
  }

  #end(life: Life): void {
    life.isDue = true;
    life.endedAt = now();
  }
}
