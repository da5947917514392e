import { nextTurn } from '../clock.js';
import type { EngineContext } from '../context.js';
import { isDrained, type Drainable } from '../levels/drainable.js';
import { repeat } from '../writing/retry.js';

/** Between two attempts, at most. */
const MAX_BACKOFF_MS = 250;

/**
 * Flushes levels that take no more writes until every accepted one has taken effect and is written or refused, or no
 * attempt is left before `deadline` (on the monotonic clock).
 */
export async function finalFlush(
  levels: readonly Drainable[],
  deadline: number,
  context: EngineContext,
): Promise<void> {
  const line = { isSettled: false };
  const settled = Promise.all(levels.map((level) => level.settled())).then(() => {
    line.isSettled = true;
  });
  await Promise.race([settled, nextTurn(context.clock)]);
  await repeat(context, MAX_BACKOFF_MS, deadline, async () => {
    let isLast: boolean;
    do {
      isLast = line.isSettled;
      // Sequential on purpose: another flush only makes sense after the one before it.
      await Promise.all(levels.map((level) => level.flush()));
    } while (line.isSettled && !isLast);
    return isLast && levels.every(isDrained);
  });
}
