import type { CacheTimer, Clock } from '../../src/core/clock.js';

interface Pending {
  readonly at: number;
  readonly task: () => void;
}

/** A clock that stands still until it is advanced. Turns of the event loop are real. */
export class FakeClock implements Clock {
  /** On the monotonic clock, on which timers run. */
  #now = 1_000_000;
  /** How far the wall clock is ahead of it. */
  #wallAhead = 0;
  readonly #timers = new Set<Pending>();

  // Bound: the LRU takes `now` off the object.
  readonly now = (): number => this.#now + this.#wallAhead;

  monotonic(): number {
    return this.#now;
  }

  /** Sets the wall clock forward, or back where `ms` is negative: no time passes by it. */
  stepWall(ms: number): void {
    this.#wallAhead += ms;
  }

  get timers(): number {
    return this.#timers.size;
  }

  setTimer(ms: number, task: () => void): CacheTimer {
    const timer = { at: this.#now + ms, task };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  immediate(task: () => void): void {
    setImmediate(task);
  }

  /** Lets `ms` pass: timers fire in their order, each with everything it set going done before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const due = [...this.#timers].filter((timer) => timer.at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#now = Math.max(this.#now, due.at);
      this.#timers.delete(due);
      due.task();
    }
    this.#now = end;
    await settle();
  }
}

/** Lets everything run that needs no more than turns of the event loop: in-memory storage answers in microtasks. */
export async function settle(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
