import { sleep, systemClock } from '../core/clock.js';
import { driverErrorOf } from './driver-error.js';

const RETRY_MS = 25;

/** Repeats `task` while other connections hold the lock it needs, for at most `timeoutMs`. */
export async function retryWhileBusy<T>(task: () => Promise<T>, timeoutMs: number): Promise<T> {
  const deadline = systemClock.monotonic() + timeoutMs;
  for (;;) {
    try {
      return await task();
    } catch (error) {
      const isBusy = driverErrorOf(error).code?.startsWith('SQLITE_BUSY') === true;
      if (!isBusy || systemClock.monotonic() > deadline) throw error;
      // Not in step with the others that wait for the same lock.
      await sleep(systemClock, RETRY_MS * (0.5 + Math.random()));
    }
  }
}
