import { sleep, systemClock } from '../core/clock.js';
import { driverErrorOf } from './driver-error.js';

/** Between two attempts, ms, by chance up to half of it more or less: not in step with the others that wait for the same lock. */
const EVERY_MS = 25;

/**
 * Repeats `task` while other connections hold the lock it needs, for at most `timeoutMs`. `pause` says how long to wait before the next
 * attempt, ms, after so many ms of waiting.
 */
export async function retryWhileBusy<T>(
  task: () => Promise<T>,
  timeoutMs: number,
  pause: (waitedMs: number) => number = () => EVERY_MS * (0.5 + Math.random()),
): Promise<T> {
  const begunAt = systemClock.monotonic();
  for (;;) {
    try {
      return await task();
    } catch (error) {
      const isBusy = driverErrorOf(error).code?.startsWith('SQLITE_BUSY') === true;
      const waitedMs = systemClock.monotonic() - begunAt;
      if (!isBusy || waitedMs > timeoutMs) throw error;
      await sleep(systemClock, pause(waitedMs));
    }
  }
}
