import type { CacheTimer, Clock } from '../../src/core/clock.js';
import type { Random } from './random.js';

interface Task {
  readonly run: () => void;
  /** When it became ready. */
  readonly since: number;
}

interface Timer {
  readonly run: () => void;
  readonly at: number;
}

/** A turn of the event loop, or an answer of the storage that is on its way, takes this long at most. */
export const ANSWER_MS = 50;

/**
 * The only source of progress in a simulation: turns of the event loop, timers and answers of the storage are tasks
 * here, and the seed says which one comes next. Time passes from timer to timer when nothing else is left to do, and
 * in small steps otherwise, so that what is ready is never kept waiting for longer than `answerMs`.
 */
export class Scheduler implements Clock {
  /** In the order in which they became ready. */
  readonly #ready: Task[] = [];
  readonly #timers = new Set<Timer>();
  #monotonic = 1_000_000;
  #wallAhead = 1_700_000_000_000;
  /** A hash of every choice made so far: equal for equal seeds. */
  trace = 0;

  constructor(
    private readonly random: Random,
    private readonly answerMs = ANSWER_MS,
  ) {}

  // Bound: the LRU takes `now` off the object.
  readonly now = (): number => this.#monotonic + this.#wallAhead;

  monotonic(): number {
    return this.#monotonic;
  }

  /** Sets the wall clock forward, or back where `ms` is negative: no time passes by it. */
  stepWall(ms: number): void {
    this.#wallAhead += ms;
  }

  /** Whether something could happen now, without any time to pass. */
  get isBusy(): boolean {
    return this.#ready.length > 0;
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  setTimer(ms: number, run: () => void): CacheTimer {
    const timer = { at: this.#monotonic + ms, run };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  immediate(run: () => void): void {
    this.#ready.push({ run, since: this.#monotonic });
  }

  /** Resolves at some later step. */
  someTime(): Promise<void> {
    return new Promise((resolve) => {
      this.immediate(resolve);
    });
  }

  /** Makes one choice; answers whether there was anything to choose from. */
  async step(): Promise<boolean> {
    // What was called since the last step may only now reach the point where it waits.
    await drainMicrotasks();
    const choice = this.#dueTimer() ? -1 : this.random.below(this.#ready.length);
    const task = choice < 0 ? this.#takeTimer() : this.#ready.splice(choice, 1)[0];
    if (task === undefined) return false;
    this.trace =
      (Math.imul(this.trace, 31) + choice + this.#ready.length * 7 + (this.#monotonic % 65_537)) | 0;
    task.run();
    await drainMicrotasks();
    return true;
  }

  /** Forgets everything that was going to happen: the process is gone, once what it was in the middle of has come to its turn's end. */
  async crash(): Promise<void> {
    await drainMicrotasks();
    this.#ready.length = 0;
    this.#timers.clear();
  }

  /** Lets a little time pass now and then; answers whether a timer comes next. */
  #dueTimer(): boolean {
    const [oldest] = this.#ready;
    const timer = this.#nextTimer();
    if (oldest === undefined) return timer !== undefined;
    if (this.random.below(20) > 0) return false;
    const latest = oldest.since + this.answerMs;
    if (timer !== undefined && timer.at <= latest) return true;
    this.#monotonic = Math.max(this.#monotonic, latest);
    return false;
  }

  #takeTimer(): Timer | undefined {
    const timer = this.#nextTimer();
    if (timer === undefined) return undefined;
    this.#timers.delete(timer);
    this.#monotonic = Math.max(this.#monotonic, timer.at);
    return timer;
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
