import type { CacheTimer, Clock } from '../../../src/core/clock.js';
import type { Scheduler } from '../scheduler.js';

interface Timer {
  readonly run: () => void;
  readonly at: number;
  armed: CacheTimer | undefined;
}

/** How a process comes to stand still: it is stopped (SIGSTOP), or its machine sleeps, and its monotonic clock with it. */
export type Suspension = 'stopped' | 'asleep';

/** The clock of one process of several: whatever the process does comes of it, so that it can be suspended, and killed. */
export class ProcessClock implements Clock {
  readonly #timers = new Set<Timer>();
  /** What would have happened meanwhile, while it is suspended. */
  #backlog: (() => void)[] | undefined;
  #suspendedAt = 0;
  /** What has not been done since it was resumed, though it was due before. */
  #overdue = 0;
  /** How long its machine has slept in all. */
  #slept = 0;
  #wallAhead = 0;
  /** Whether the process is gone, as opposed to suspended. */
  isDead = false;
  /** How often it was suspended, and its wall clock set. */
  suspensions = 0;
  wallSteps = 0;

  constructor(
    private readonly scheduler: Scheduler,
    readonly jitter: () => number,
  ) {}

  // Bound: the LRU takes `now` off the object.
  readonly now = (): number => this.scheduler.now() + this.#wallAhead;

  /** Whole milliseconds, as those of the machine: what is left of a time comes to its end. */
  monotonic(): number {
    return Math.floor(this.scheduler.monotonic() - this.#slept);
  }

  get isRunning(): boolean {
    return this.#backlog === undefined && !this.isDead;
  }

  /** Whether it was suspended, and has not done yet what was due meanwhile: it may not know yet. */
  get isWaking(): boolean {
    return this.#overdue > 0;
  }

  get timers(): number {
    return this.#timers.size;
  }

  setTimer(ms: number, run: () => void): CacheTimer {
    const timer: Timer = { at: this.monotonic() + ms, run, armed: undefined };
    this.#timers.add(timer);
    if (this.isRunning) this.#arm(timer);
    return {
      cancel: () => {
        timer.armed?.cancel();
        this.#timers.delete(timer);
      },
    };
  }

  immediate(run: () => void): void {
    this.scheduler.immediate(() => this.#do(run));
  }

  /** Resolves at some later step at which the process runs. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.immediate(resolve);
    });
  }

  stepWall(ms: number): void {
    this.wallSteps += 1;
    this.#wallAhead += ms;
  }

  suspend(): void {
    this.suspensions += 1;
    this.#suspendedAt = this.scheduler.monotonic();
    this.#backlog = [];
    for (const timer of this.#timers) timer.armed?.cancel();
  }

  resume(how: Suspension): void {
    if (how === 'asleep') this.#slept += this.scheduler.monotonic() - this.#suspendedAt;
    const backlog = this.#backlog ?? [];
    this.#backlog = undefined;
    for (const run of backlog) this.immediate(this.#counted(run));
    for (const timer of this.#timers) this.#arm(timer, timer.at <= this.monotonic());
  }

  /** Nothing of the process runs any more. */
  kill(): void {
    this.isDead = true;
    this.#backlog = undefined;
    for (const timer of this.#timers) timer.armed?.cancel();
    this.#timers.clear();
  }

  #arm(timer: Timer, isOverdue = false): void {
    const run = (): void => {
      if (!this.#timers.delete(timer)) return;
      this.#do(timer.run);
    };
    const counted = isOverdue ? this.#counted(run) : run;
    const armed = this.scheduler.setTimer(Math.max(0, timer.at - this.monotonic()), counted);
    timer.armed = {
      cancel: () => {
        armed.cancel();
        if (isOverdue && this.#timers.has(timer)) this.#overdue -= 1;
        isOverdue = false;
      },
    };
  }

  #counted(run: () => void): () => void {
    this.#overdue += 1;
    return () => {
      this.#overdue -= 1;
      run();
    };
  }

  #do(run: () => void): void {
    if (this.isDead) return;
    if (this.#backlog === undefined) run();
    else this.#backlog.push(run);
  }
}
