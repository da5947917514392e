import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

/**
 * Milliseconds that a stop waits for messages in hand, all in all. Less than half of the cache's `shutdownTimeoutMs`, so that the
 * cache has time to write what they changed.
 */
const MESSAGES_MS = 3000;

/** Until when a stop waits for messages in hand, whoever waits for them. */
@Injectable()
export class StopDeadline {
  #at: number | undefined;

  /** Waits for `work` until the deadline, which the first caller sets; returns whether it ended by then. */
  async allows(work: Promise<unknown>): Promise<boolean> {
    this.#at ??= performance.now() + MESSAGES_MS;
    const inTime = new AbortController();
    const late = delay(Math.max(0, this.#at - performance.now()), false, { signal: inTime.signal });
    try {
      return await Promise.race([
        work.then(
          () => true,
          () => true,
        ),
        late,
      ]);
    } finally {
      // The timer must not outlive the wait.
      late.catch(() => undefined);
      inTime.abort();
    }
  }
}
