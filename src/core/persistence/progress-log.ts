import type { CacheLogger } from '../cache-logger.js';
import type { Clock } from '../clock.js';

/** Fewer rows than this are loaded without a word. */
const WORTH_TELLING = 10_000;
const INTERVAL_MS = 1000;

/** Logs how far a long load is, about once a second: rows, percent, rate. */
export class ProgressLog {
  readonly #startedAt: number;
  #toldAt: number;
  #done = false;

  constructor(
    private readonly what: string,
    private readonly expected: number,
    private readonly clock: Clock,
    private readonly logger: CacheLogger,
  ) {
    this.#startedAt = clock.now();
    this.#toldAt = this.#startedAt;
  }

  advance(rows: number): void {
    if (this.expected <= WORTH_TELLING || this.#done) return;
    const now = this.clock.now();
    this.#done = rows >= this.expected;
    if (now - this.#toldAt < INTERVAL_MS && !this.#done) return;
    this.#toldAt = now;
    const percent = Math.min(100, Math.floor((100 * rows) / this.expected));
    const rate = Math.round(rows / Math.max(0.001, (now - this.#startedAt) / 1000));
    this.logger.log(`${this.what}: ${rows} of ${this.expected} rows (${percent} %), ${rate} rows/s.`);
  }
}
