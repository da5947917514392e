import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { driverErrorOf } from './driver-error.js';

const RETRY_MS = 25;

/** Repeats `task` while other connections hold the lock it needs, for at most `timeoutMs`. */
export async function retryWhileBusy<T>(task: () => Promise<T>, timeoutMs: number): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await task();
    } catch (error) {
      const isBusy = driverErrorOf(error).code?.startsWith('SQLITE_BUSY') === true;
      if (!isBusy || performance.now() > deadline) throw error;
      // Not in step with the others that wait for the same lock.
      await delay(RETRY_MS * (0.5 + Math.random()));
    }
  }
}
