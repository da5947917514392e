/** Delay before the first retry, ms. */
const BASE_MS = 25;

/**
 * Exponential backoff with equal jitter: half of the delay is fixed, half is chance, so that several instances of an
 * app don't retry in step. (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
 */
export class Backoff {
  #attempt = 0;

  constructor(
    private readonly maxMs: number,
    private readonly random: () => number,
  ) {}

  /** How long to wait before the next attempt, in ms. */
  next(): number {
    const full = Math.min(this.maxMs, BASE_MS * 2 ** Math.min(this.#attempt, 20));
    this.#attempt += 1;
    return full / 2 + (full / 2) * this.random();
  }

  reset(): void {
    this.#attempt = 0;
  }
}
