import { sleep, type CacheTimer } from '../clock.js';
import type { EngineContext } from '../context.js';
import { Backoff } from './backoff.js';
import type { StorageHealth } from './storage-health.js';

export interface RetryOptions {
  /** The longest delay, ms. */
  readonly maxMs: number;
  /** Whether the timer keeps the process alive, because somebody waits. */
  readonly keepsAlive: boolean;
  readonly again: () => void;
}

/** Repeats something that failed: after growing delays, or as soon as the storage works again. */
export class Retry {
  readonly #backoff: Backoff;
  #timer: CacheTimer | undefined;

  constructor(
    private readonly context: EngineContext,
    health: StorageHealth,
    private readonly options: RetryOptions,
  ) {
    this.#backoff = new Backoff(options.maxMs, context.random);
    health.onRecovery(() => {
      if (this.isWaiting) this.#fire();
    });
  }

  get isWaiting(): boolean {
    return this.#timer !== undefined;
  }

  /** It failed: again after a while. */
  later(): void {
    if (this.isWaiting) return;
    const { keepsAlive } = this.options;
    this.#timer = this.context.clock.setTimer(this.#backoff.next(), () => this.#fire(), keepsAlive);
  }

  /** It succeeded: the next failure waits the shortest delay. */
  reset(): void {
    this.#backoff.reset();
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #fire(): void {
    this.cancel();
    this.options.again();
  }
}

/**
 * Repeats `attempt`, with growing delays, until it gives true; returns false when the next one would begin after
 * `deadline` (on the monotonic clock). For callers that wait for the outcome.
 */
export async function repeat(
  { clock, random }: EngineContext,
  maxMs: number,
  deadline: number,
  attempt: () => Promise<boolean>,
): Promise<boolean> {
  const backoff = new Backoff(maxMs, random);
  // Sequential on purpose: an attempt follows the failure of the one before it.
  while (!(await attempt())) {
    const wait = backoff.next();
    if (clock.monotonic() + wait >= deadline) return false;
    await sleep(clock, wait);
  }
  return true;
}
