import { sleep, systemClock } from '../../core/clock.js';

/**
 * Between two attempts to lock a file that others have locked, ms, half of it more or less. SQLite itself would wait for longer
 * and longer, up to 100 ms, and never get it from processes that write without pause.
 */
const RETRY_MS = 2;
/** Who has waited longer than this, ms, asks as often as a timer can: the longer one has waited, the likelier one is the next. */
const LONG_MS = 10;
const SHORT_RETRY_MS = 1;
/** For how long after it was met the others' wish to write is reckoned with, ms. */
const CONTENDED_MS = 1000;
/** How long who has written leaves the file to the others then, ms: until each of those that wait has asked. */
const STAND_BACK_MS = 3;

/**
 * The turns of one process at the lock of a file. The lock has no queue: of those that want it, whoever asks first gets it, and that
 * is who has just had it, while the others sleep. So it stands back while others want it, too.
 */
export class FileTurns {
  #metAt = -Infinity;
  #leftAt = -Infinity;

  /** Waits until it is fair to ask. */
  async come(): Promise<void> {
    const now = systemClock.monotonic();
    if (now - this.#metAt > CONTENDED_MS) return;
    const left = this.#leftAt + STAND_BACK_MS - now;
    if (left > 0) await sleep(systemClock, left);
  }

  /** Another process has written to it: who writes without pause need never find it locked. */
  noticed(): void {
    this.#metAt = systemClock.monotonic();
  }

  /** Another process has the file locked. Gives how long to wait before it is asked for again, ms. */
  met(waitedMs: number): number {
    this.noticed();
    // Not in step with the others that wait.
    return waitedMs > LONG_MS ? SHORT_RETRY_MS : RETRY_MS * (0.5 + Math.random());
  }

  /** This process has had it. */
  left(): void {
    this.#leftAt = systemClock.monotonic();
  }
}
