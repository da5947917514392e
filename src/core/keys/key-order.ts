import { nextTurn, type Clock } from '../clock.js';
import type { MemoryKey } from './key-space.js';

/** Keys sorted or looked at in one go, between two turns of the event loop. */
const KEYS_PER_TURN = 10_000;
/** Keys of the sample for each part. */
const SAMPLES_PER_PART = 32;

interface KeyText {
  readonly key: MemoryKey;
  readonly text: string;
}

/**
 * Sorts many keys by their stored form, and leaves the event loop to others meanwhile; few are left as they are. What a
 * database stores in the order of its index, batch by batch, touches each page of that in one transaction and not in all.
 *
 * A sample sort (W. D. Frazer, A. C. McKellar, "Samplesort", JACM 17, 1970): parts, told apart by a sample, are sorted on
 * their own.
 */
export async function inStoredOrder(
  keys: readonly MemoryKey[],
  textOf: (key: MemoryKey) => string,
  clock: Clock,
): Promise<readonly MemoryKey[]> {
  if (keys.length <= KEYS_PER_TURN) return keys;
  const count = Math.ceil((keys.length * 2) / KEYS_PER_TURN);
  const bounds = boundsOf(keys, count, textOf);
  const parts = Array.from({ length: count }, (): KeyText[] => []);
  for (let start = 0; start < keys.length; start += KEYS_PER_TURN) {
    await nextTurn(clock);
    for (const key of keys.slice(start, start + KEYS_PER_TURN)) {
      const text = textOf(key);
      parts[partOf(text, bounds)]?.push({ key, text });
    }
  }
  const ordered: MemoryKey[] = [];
  for (const part of parts) {
    await nextTurn(clock);
    part.sort((a, b) => (a.text < b.text ? -1 : 1));
    for (const { key } of part) ordered.push(key);
  }
  return ordered;
}

/** What the second part and those after it begin with, by a sample. */
function boundsOf(keys: readonly MemoryKey[], count: number, textOf: (key: MemoryKey) => string): string[] {
  const step = Math.floor(keys.length / (count * SAMPLES_PER_PART));
  const sample: string[] = [];
  for (let i = 0; i < keys.length; i += step) sample.push(textOf(keys[i] as MemoryKey));
  sample.sort();
  return Array.from(
    { length: count - 1 },
    (_, i) => sample[Math.floor(((i + 1) * sample.length) / count)] as string,
  );
}

/** How many of `bounds` do not come after `text`. */
function partOf(text: string, bounds: readonly string[]): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (text < (bounds[middle] as string)) high = middle;
    else low = middle + 1;
  }
  return low;
}
