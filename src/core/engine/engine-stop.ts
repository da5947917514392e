import { nextTurn, sleep, within } from '../clock.js';
import type { Persistence } from '../levels/persistence.js';
import type { LeftBehind } from '../reports.js';
import { Rescue } from '../rescue/rescue.js';
import { Backoff } from '../writing/backoff.js';
import type { EngineContext } from '../context.js';
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
    private readonly persistences: readonly Persistence<unknown>[],
    private readonly session: OpenStorage | undefined,
    /** When the final flush gives up, on the monotonic clock. */
    private readonly deadline: number,
    private readonly context: EngineContext,
  ) {}

  /** Answers what is lost: neither written nor rescued. */
  async run(): Promise<LeftBehind[]> {
    const { clock } = this.context;
    for (const persistence of this.persistences) persistence.close();
    if (this.session !== undefined) this.session.committer.giveUpAt = this.deadline;

    await within(clock, this.deadline - clock.monotonic(), this.#flush(this.deadline));
    // From here on nothing is acknowledged: what is gathered now is all there is.
    for (const persistence of this.persistences) persistence.end();
    this.session?.budget.close();
    const unwritten = this.persistences.flatMap((persistence) => persistence.unwritten());
    const lost = new Rescue(this.session?.journal, this.context.logger).save(unwritten);
    this.hasRescued = true;
    await this.#close();
    return lost;
  }

  /** Flushes until every accepted write has taken effect and is written or refused, or the time is over. */
  async #flush(deadline: number): Promise<void> {
    const { clock, random } = this.context;
    const backoff = new Backoff(MAX_BACKOFF_MS, random);
    let hasSettled = false;
    const settled = Promise.all(this.persistences.map((persistence) => persistence.settled())).then(() => {
      hasSettled = true;
    });
    await Promise.race([settled, nextTurn(clock)]);
    for (;;) {
      const isLast = hasSettled;
      // Sequential on purpose: another flush only makes sense after the one before it.
      await Promise.all(this.persistences.map((persistence) => persistence.flush()));
      if (isLast && this.persistences.every(({ dirty, refused }) => dirty <= refused)) return;
      if (hasSettled && !isLast) continue;
      const wait = backoff.next();
      if (clock.monotonic() + wait >= deadline) return;
      await (hasSettled ? sleep(clock, wait) : Promise.race([settled, sleep(clock, wait)]));
    }
  }

  async #close(): Promise<void> {
    if (this.session === undefined) return;
    try {
      await within(this.context.clock, CLOSE_TIMEOUT_MS, this.session.close());
    } catch (error) {
      this.context.logger.warn(`The cache's storage did not close cleanly: ${String(error)}`);
    }
  }
}
