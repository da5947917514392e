import { AsyncResource } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';
import * as timers from 'node:timers';

/** A pending timer. */
export interface CacheTimer {
  cancel(): void;
}

/** Time as the engine sees it: injected, so that tests and simulations own it. */
export interface Clock {
  /** Milliseconds since the Unix epoch, at least 1: expiry is stored, so it is wall-clock time. */
  now(): number;
  /** Milliseconds since any moment: never steps back, whatever happens to the wall clock. Durations and deadlines run on it. */
  monotonic(): number;
  /** Runs `task` once after `ms`. A timer that nobody waits for (`keepAlive` false) does not keep the process alive. */
  setTimer(ms: number, task: () => void, keepAlive: boolean): CacheTimer;
  /** Runs `task` after pending I/O callbacks had their turn. */
  immediate(task: () => void): void;
  /**
   * A number from 0 to below 1, by which delays between attempts differ, so that instances don't retry in step. Without it
   * `Math.random`; a clock of tests gives the same in every run.
   */
  jitter?(): number;
}

/** As they are when the package is loaded: a test may replace those that are global, or those in the module, later. */
const { setTimeout, clearTimeout, setImmediate } = timers;

/** What this module was loaded in, which is no request. */
const outside = new AsyncResource('nestjs-durable-cache');

/**
 * The clock of the machine. Fake timers of Jest and Vitest, which nobody advances while a call of the cache is awaited, do
 * not stop it. The time of day alone is the one that such a test sets, and decides which entries expire.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => Math.round(performance.now()),
  setTimer(ms, task, keepAlive) {
    if (keepAlive) return cancelling(setTimeout(task, ms));
    // What goes on by itself belongs to no request that has set it going: it would go on in the trace of that, and hold it for ever.
    return cancelling(outside.runInAsyncScope(() => setTimeout(task, ms).unref()));
  },
  immediate(task) {
    setImmediate(task);
  },
};

function cancelling(timer: NodeJS.Timeout): CacheTimer {
  return { cancel: () => clearTimeout(timer) };
}

/** Resolves after `ms` on `clock`; keeps the process alive meanwhile. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(ms, resolve, true);
  });
}

/** Resolves in the next turn of the event loop. */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.immediate(resolve);
  });
}

/** Waits for `work`, for `ms` at most, and gives whether it is done; keeps the process alive meanwhile. Rejects as `work` does in time. */
export async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: CacheTimer | undefined;
  const timeUp = new Promise<false>((resolve) => {
    timer = clock.setTimer(Math.max(0, ms), () => resolve(false), true);
  });
  try {
    return await Promise.race([work.then(() => true), timeUp]);
  } finally {
    timer?.cancel();
  }
}
