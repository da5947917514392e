import { nextTurn, type Clock } from '../clock.js';
import { compareStored, type KeyText } from '../keys/key-order.js';
import { isWithin, type KeyRange } from '../keys/key-range.js';
import type { KeySpace, MemoryKey } from '../keys/key-space.js';

/** Keys looked at in one go, between two turns of the event loop. */
const KEYS_PER_TURN = 5000;

export interface KeysBehindOptions {
  readonly keys: KeySpace<unknown>;
  readonly clock: Clock;
  readonly range: KeyRange;
  /** The stored key behind which they lie; `undefined` for all. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** The first keys behind some place, in the order of their stored forms. */
export interface KeysBehind {
  readonly found: readonly KeyText[];
  /** Whether there are no more of them. */
  readonly isAll: boolean;
}

/**
 * Finds the next few of many keys in no order, and leaves the event loop to others meanwhile. To sort all of them for a page would
 * take longer; what is kept is cut to size as it grows.
 */
export async function keysBehind(all: Iterable<MemoryKey>, options: KeysBehindOptions): Promise<KeysBehind> {
  const { keys, clock, range, after, limit } = options;
  let kept: KeyText[] = [];
  let seen = 0;
  let matching = 0;
  for (const key of all) {
    seen += 1;
    if (seen % KEYS_PER_TURN === 0) await nextTurn(clock);
    const text = keys.textOf(key);
    if (!isWithin(text, range) || (after !== undefined && compareStored(text, after) <= 0)) continue;
    matching += 1;
    kept.push({ key, text });
    if (kept.length >= limit + KEYS_PER_TURN) kept = first(kept, limit);
  }
  return { found: first(kept, limit), isAll: matching <= limit };
}

function first(kept: KeyText[], limit: number): KeyText[] {
  return kept.sort((a, b) => compareStored(a.text, b.text)).slice(0, limit);
}
