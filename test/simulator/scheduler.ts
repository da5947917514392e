import type { CacheTimer, Clock } from '../../src/core/clock.js';
import type { Random } from './random.js';

interface Task {
  readonly run: () => void;
}

interface Timer extends Task {
  readonly at: number;
}

/**
 * The only source of progress in a simulation: turns of the event loop, timers and answers of the storage are tasks
 * here, and the seed says which one comes next. Time passes only from timer to timer.
 */
export class Scheduler implements Clock {
  readonly #ready: Task[] = [];
  readonly #timers = new Set<Timer>();
  #now = 1_000_000;
  /** A hash of every choice made so far: equal for equal seeds. */
  trace = 0;

  constructor(private readonly random: Random) {}

  // Bound: the LRU takes `now` off the object.
  readonly now = (): number => this.#now;

  monotonic(): number {
    return this.#now;
  }

  setTimer(ms: number, run: () => void): CacheTimer {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  immediate(run: () => void): void {
    this.#ready.push({ run });
  }

  /** Resolves at some later step. */
  someTime(): Promise<void> {
    return new Promise((resolve) => {
      this.#ready.push({ run: resolve });
    });
  }

  /** Makes one choice; answers whether there was anything to choose from. */
  async step(): Promise<boolean> {
    // What was called since the last step may only now reach the point where it waits.
    await drainMicrotasks();
    const timer = this.#nextTimer();
    const isTimeToPass = timer !== undefined && (this.#ready.length === 0 || this.random.below(20) === 0);
    const choice = isTimeToPass ? -1 : this.random.below(this.#ready.length);
    const task = isTimeToPass ? timer : this.#ready.splice(choice, 1)[0];
    if (task === undefined) return false;
    if (isTimeToPass) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.at);
    }
    this.trace = (Math.imul(this.trace, 31) + choice + this.#ready.length * 7 + (this.#now % 65_537)) | 0;
    task.run();
    await drainMicrotasks();
    return true;
  }

  /** Forgets everything that was going to happen: the process is gone. */
  crash(): void {
    this.#ready.length = 0;
    this.#timers.clear();
  }

  #nextTimer(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (next === undefined || timer.at < next.at) next = timer;
    return next;
  }
}

/** A turn of the real event loop comes after every microtask: whatever promises can do by themselves is done then. */
function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
