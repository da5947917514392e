import type { CacheLogger } from '../cache-logger.js';
import type { Clock } from '../clock.js';

const INTERVAL_MS = 1000;

/**
 * Logs how far a long load is, about once a second. Of how many rows it does not say: on a large table to count them can
 * take as long as to load them, and holds the event loop where the driver works on it.
 */
export class ProgressLog {
  readonly #startedAt: number;
  #toldAt: number;

  constructor(
    private readonly what: string,
    private readonly clock: Clock,
    private readonly logger: CacheLogger,
  ) {
    this.#startedAt = clock.monotonic();
    this.#toldAt = this.#startedAt;
  }

  advance(rows: number): void {
    const now = this.clock.monotonic();
    if (now - this.#toldAt < INTERVAL_MS) return;
    this.#toldAt = now;
    const rate = Math.round(rows / ((now - this.#startedAt) / 1000));
    this.logger.log(`${this.what}: ${rows} rows so far, ${rate} rows/s.`);
  }
}
