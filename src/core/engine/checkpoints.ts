import type { CacheTimer, Clock } from '../clock.js';
import type { Drainable } from '../levels/drainable.js';

/** Between two purges of expired rows. */
const PURGE_INTERVAL_MS = 600_000;

/** The periodic work: checkpoints of dirty entries, and purges of expired rows. */
export class Checkpoints {
  #checkpoint: CacheTimer | undefined;
  #purge: CacheTimer | undefined;
  #stopped = false;

  constructor(
    private readonly intervalMs: number | false,
    private readonly clock: Clock,
    private readonly levels: () => readonly Drainable[],
    private readonly purgeExpired: () => Promise<void>,
  ) {}

  start(): void {
    this.#scheduleCheckpoint();
    this.#purgeNow();
  }

  stop(): void {
    this.#stopped = true;
    this.#checkpoint?.cancel();
    this.#purge?.cancel();
  }

  #scheduleCheckpoint(): void {
    if (this.intervalMs === false || this.#stopped) return;
    this.#checkpoint = this.clock.setTimer(this.intervalMs, () => void this.#run(), false);
  }

  /** Schedules the next checkpoint when this one is done, so that they don't pile up on a slow database. */
  async #run(): Promise<void> {
    const dirty = this.levels().filter((level) => level.dirty > 0);
    await Promise.all(dirty.map((level) => level.flush()));
    this.#scheduleCheckpoint();
  }

  #purgeNow(): void {
    if (this.#stopped) return;
    void this.purgeExpired();
    this.#purge = this.clock.setTimer(PURGE_INTERVAL_MS, () => this.#purgeNow(), false);
  }
}
