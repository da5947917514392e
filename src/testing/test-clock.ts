import { AssertionError } from 'node:assert/strict';
import * as timers from 'node:timers';
import type { CacheTimer, Clock } from '../core/clock.js';
import { SerialQueue } from '../core/serial-queue.js';
import { CacheError } from '../index.js';
import { AwaitedWork } from './awaited-work.js';

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
  /** What time passes for, in the order of the calls. */
  #awaited: AwaitedWork[] = [];

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

  /** Always the same: what is tried again is tried at the same times in every run. */
  jitter(): number {
    return 0.5;
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Time goes by whole milliseconds, as it does on a machine. */
  setTimer(ms: number, task: () => void): CacheTimer {
    const timer = { at: this.#now + Math.ceil(ms), task };
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
      await this.#pass(end);
      this.#now = end;
      await this.settle();
    });
  }

  /**
   * Lets time pass until `work` settles, no longer than it takes and an hour at most, and settles like it. For a call
   * that needs time, such as a write that is tried again: `await clock.advanceUntil(sessions.set('a', 1))`. `work` may wait
   * for the cache alone, and may let time pass itself. Rejects with an `AssertionError` where no time settles it.
   */
  advanceUntil<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const caller = { goOn: () => resolve(work), fail: reject };
      this.#awaited.push(new AwaitedWork(work, this.#now + PATIENCE_MS, caller));
      if (this.#awaited.length === 1) void this.#passForAwaited();
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

  /** Timer by timer, so that an `advance` that awaited work waits for has its turn in between. */
  async #passForAwaited(): Promise<void> {
    while (this.#awaited.length > 0) {
      await this.#advances
        .run(() => this.#passOnce())
        .catch((error: unknown) => {
          for (const awaited of this.#awaited.splice(0)) awaited.fail(error);
        });
    }
  }

  async #passOnce(): Promise<void> {
    await this.settle();
    // No time passes before who was let go has done what comes next, and the cache is at rest again.
    if (this.#release()) return;
    const next = this.#nextDue(Infinity);
    // The last one first: the others may wait for it.
    const vain = this.#awaited.findLastIndex(({ until }) => next === undefined || next.at > until);
    if (next !== undefined && vain < 0) this.#fire(next);
    else for (const awaited of this.#awaited.splice(vain, 1)) awaited.fail(neverSettles(next !== undefined));
  }

  /** Lets those go on who wait for what has settled. Answers whether there were any. */
  #release(): boolean {
    const { length } = this.#awaited;
    this.#awaited = this.#awaited.filter((awaited) => !awaited.release());
    return this.#awaited.length < length;
  }

  /** Fires what is due by `end`. */
  async #pass(end: number): Promise<void> {
    for (;;) {
      await this.settle();
      const due = this.#nextDue(end);
      if (due === undefined) return;
      this.#fire(due);
    }
  }

  #fire(due: Pending): void {
    this.#now = Math.max(this.#now, due.at);
    this.#timers.delete(due);
    due.task();
  }

  #nextDue(end: number): Pending | undefined {
    let next: Pending | undefined;
    for (const timer of this.#timers)
      if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer;
    return next;
  }
}

function neverSettles(hasTimers: boolean): AssertionError {
  const what = hasTimers ? 'an hour has passed' : 'no timer is left';
  return new AssertionError({
    message:
      `TestClock.advanceUntil: ${what}, and this has not settled. Does the storage hang (then heal() it), or does this wait ` +
      'for something that is not on this clock?',
  });
}
