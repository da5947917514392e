import { nextTurn, within } from '../clock.js';
import type { EngineContext } from '../context.js';
import type { Drainable } from '../levels/drainable.js';
import type { LeftBehind } from '../reports.js';
import { Rescue } from '../rescue/rescue.js';
import { repeat } from '../writing/retry.js';
import type { OpenStorage } from './open-storage.js';

/** Between two attempts of the final flush, at most. */
const MAX_BACKOFF_MS = 250;
/** How long closing the storage may take once everything is written or named. */
const CLOSE_TIMEOUT_MS = 2000;

/** The stop of an engine, once: no more writes, the final flush with its deadline, the report, the storage closed. */
export class EngineStop {
  /** What is unwritten has been saved, or was said to be lost. */
  hasRescued = false;

  constructor(
    private readonly levels: readonly Drainable[],
    private readonly storage: OpenStorage | undefined,
    /** When the final flush gives up, on the monotonic clock. */
    private readonly deadline: number,
    private readonly context: EngineContext,
  ) {}

  /** Answers what is lost: neither written nor rescued. */
  async run(): Promise<LeftBehind[]> {
    const { clock } = this.context;
    for (const level of this.levels) level.refuseWrites();
    this.storage?.purge.stop();

    await within(clock, this.deadline - clock.monotonic(), this.#flush());
    // From here on nothing is acknowledged: what is gathered now is all there is.
    for (const level of this.levels) level.giveUp();
    this.storage?.budget.close();
    try {
      const unwritten = this.levels.flatMap((level) => level.unwritten());
      const lost = new Rescue(this.storage?.journal, this.context.logger).save(unwritten);
      this.hasRescued = true;
      return lost;
    } finally {
      await this.#close();
    }
  }

  /** Flushes until every accepted write has taken effect and is written or refused, or the time is over. */
  async #flush(): Promise<void> {
    const line = { isSettled: false };
    const settled = Promise.all(this.levels.map((level) => level.settled())).then(() => {
      line.isSettled = true;
    });
    await Promise.race([settled, nextTurn(this.context.clock)]);
    await repeat(this.context, MAX_BACKOFF_MS, this.deadline, async () => {
      let isLast: boolean;
      do {
        isLast = line.isSettled;
        // Sequential on purpose: another flush only makes sense after the one before it.
        await Promise.all(this.levels.map((level) => level.flush()));
      } while (line.isSettled && !isLast);
      return isLast && this.levels.every(({ dirty, refused }) => dirty <= refused);
    });
  }

  async #close(): Promise<void> {
    if (this.storage === undefined) return;
    try {
      await within(this.context.clock, CLOSE_TIMEOUT_MS, this.storage.close());
    } catch (error) {
      this.context.logger.warn(`The cache's storage did not close cleanly: ${String(error)}`);
    }
  }
}
