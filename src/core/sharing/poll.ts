import type { CacheTimer, Clock } from '../clock.js';

/** An application that has not used a shared namespace for so long looks no more than its beat does, ms. */
const IDLE_AFTER_MS = 10_000;

export interface PollOptions {
  /** Between two looks, ms. */
  readonly everyMs: () => number;
  /** Looks; never rejects. */
  readonly look: () => Promise<unknown>;
  /** How often shared namespaces were used so far. */
  readonly uses: () => number;
  readonly clock: Clock;
}

/** Looks at the others' logs again and again, as long as the application uses what it finds there. */
export class Poll {
  #timer: CacheTimer | undefined;
  #uses = 0;
  #usedAt: number;
  #isOver = false;

  constructor(private readonly options: PollOptions) {
    this.#usedAt = options.clock.monotonic();
  }

  /** Begins, or goes on after it was idle. */
  wake(): void {
    this.#usedAt = this.options.clock.monotonic();
    this.#schedule();
  }

  stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#isOver || this.#timer !== undefined) return;
    this.#timer = this.options.clock.setTimer(this.options.everyMs(), () => void this.#tick(), false);
  }

  async #tick(): Promise<void> {
    const { clock, uses, look } = this.options;
    // Hits count themselves, and nothing else: what is to be known of them is asked for here.
    const now = uses();
    if (now !== this.#uses) this.#usedAt = clock.monotonic();
    this.#uses = now;
    const isIdle = clock.monotonic() - this.#usedAt >= IDLE_AFTER_MS;
    if (!isIdle) await look();
    this.#timer = undefined;
    if (!isIdle) this.#schedule();
  }
}
