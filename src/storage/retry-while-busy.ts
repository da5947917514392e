import { sleep, systemClock } from '../core/clock.js';
import { driverErrorOf } from './driver-error.js';

/**
 * Repeats `task` while other connections hold the lock it needs, for at most `timeoutMs`; about `everyMs` apart, by chance up to
 * half of it more or less.
 */
export async function retryWhileBusy<T>(task: () => Promise<T>, timeoutMs: number, everyMs = 25): Promise<T> {
  const deadline = systemClock.monotonic() + timeoutMs;
  for (;;) {
    try {
      return await task();
    } catch (error) {
      const isBusy = driverErrorOf(error).code?.startsWith('SQLITE_BUSY') === true;
      if (!isBusy || systemClock.monotonic() > deadline) throw error;
      // Not in step with the others that wait for the same lock.
      await sleep(systemClock, everyMs * (0.5 + Math.random()));
    }
  }
}
