import { AssertionError } from 'node:assert/strict';
import * as timers from 'node:timers';
import type { CacheTimer, Clock } from '../core/clock.js';
import { SerialQueue } from '../core/serial-queue.js';
import { CacheError } from '../index.js';

/** As it is before the fake timers of a test runner take its place. */
const { setImmediate } = timers;

/** Where a clock starts that is not told: expiries are the same in every run. */
const DEFAULT_START = Date.UTC(2026, 0, 1);

/** Turns of the event loop without anything to do after which the cache is at rest: whoever awaits it may call it again. */
const QUIET_TURNS = 5;

/** How much time `advanceUntil` lets pass, ms. */
const PATIENCE_MS = 3_600_000;

interface Pending {
  readonly at: number;
  readonly task: () => void;
}

/**
 * Time that a test owns. It stands still until {@link advance}: entries expire, checkpoints and retries come, and loaders are
 * given up when the test says so. Turns of the event loop are real, also under fake timers of the test runner.
 */
export class TestClock implements Clock {
  #now: number;
  readonly #timers = new Set<Pending>();
  /** Turns of the event loop that the cache has asked for. */
  #turns = 0;
  readonly #work = new Set<() => boolean>();
  /** One after the other, awaited or not. */
  readonly #advances = new SerialQueue();

  /** `startAt` is a date or milliseconds since the Unix epoch, at least 1. Default 1 January 2026, 00:00 UTC. */
  constructor(startAt: Date | number = DEFAULT_START) {
    this.#now = Number(startAt);
    if (!Number.isFinite(this.#now) || this.#now < 1)
      throw new CacheError('INVALID_OPTION', 'TestClock: the start must be a date after 1 January 1970.');
  }

  // Bound: the LRU takes `now` off the object.
  readonly now = (): number => this.#now;

  monotonic(): number {
    return this.#now;
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  setTimer(ms: number, task: () => void): CacheTimer {
    const timer = { at: this.#now + ms, task };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  immediate(task: () => void): void {
    this.#turns += 1;
    setImmediate(() => {
      this.#turns -= 1;
      task();
    });
  }

  /**
   * Lets `ms` milliseconds pass, on the wall clock and the monotonic one: timers fire in the order they are due, each with
   * everything that it sets going done before the next. Resolves when the cache is at rest again.
   */
  async advance(ms: number): Promise<void> {
    if (!Number.isFinite(ms) || ms < 0)
      throw new CacheError('INVALID_OPTION', 'TestClock.advance: time passes by milliseconds, 0 or more.');
    await this.#advances.run(async () => {
      const end = this.#now + ms;
      await this.#pass(end, () => false);
      this.#now = end;
      await this.settle();
    });
  }

  /**
   * Lets time pass until `work` settles, no longer than it takes and an hour at most, and settles like it. For a call
   * that needs time, such as a write that is tried again: `await clock.advanceUntil(sessions.set('a', 1))`. `work` may wait
   * for the cache alone. Rejects with an `AssertionError` where no time settles it.
   */
  async advanceUntil<T>(work: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    work.then(settle, settle);
    await this.#advances.run(() => this.#pass(this.#now + PATIENCE_MS, () => isSettled));
    if (isSettled) return work;
    throw new AssertionError({
      message:
        'TestClock.advanceUntil: nothing that the cache waits for in an hour settles this. Does the storage hang (then heal() ' +
        'it), or does this wait for something that is not the cache?',
    });
  }

  /** Resolves when the cache does nothing more unless time passes or somebody calls it. No time passes. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet = this.#isBusy() ? 0 : quiet + 1) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  /** From now on the cache is not at rest while `isBusy()`: for a storage whose calls take real time. */
  watch(isBusy: () => boolean): void {
    this.#work.add(isBusy);
  }

  #isBusy(): boolean {
    return this.#turns > 0 || [...this.#work].some((isBusy) => isBusy());
  }

  /** Fires what is due by `end`, until `isOver()`. */
  async #pass(end: number, isOver: () => boolean): Promise<void> {
    for (;;) {
      await this.settle();
      const due = isOver() ? undefined : this.#nextDue(end);
      if (due === undefined) return;
      this.#now = Math.max(this.#now, due.at);
      this.#timers.delete(due);
      due.task();
    }
  }

  #nextDue(end: number): Pending | undefined {
    let next: Pending | undefined;
    for (const timer of this.#timers)
      if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer;
    return next;
  }
}
