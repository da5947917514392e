import type { EngineContext } from '../context.js';

/** After so long without another one, ms, the next write of a stranger is news again. */
const EPISODE_MS = 60_000;

/** Says that somebody else writes to a storage that is to be used alone: once for each episode. */
export class StrangerLog {
  #seenAt = -Infinity;

  constructor(
    private readonly place: string,
    private readonly context: EngineContext,
  ) {}

  /** Something that somebody else has committed was noticed. */
  seen(): void {
    const { clock, logger } = this.context;
    const now = clock.monotonic();
    const isNews = now - this.#seenAt > EPISODE_MS;
    this.#seenAt = now;
    if (!isNews) return;
    logger.warn(
      `Another program has written to the database of the cache (${this.place}) while this process uses it alone: what it wrote may ` +
        'be overwritten, and what memory held was dropped, as it may be outdated. This is noticed at the next write only. Stop the ' +
        "other program, or give the cache a file of its own; several processes of this cache take instances: 'many'.",
    );
  }
}
