import { nextTurn, type Clock } from '../clock.js';
import type { MemoryKey } from './key-space.js';

/** Keys sorted or looked at in one go, between two turns of the event loop. */
const KEYS_PER_TURN = 10_000;
/** Keys of the sample for each part. */
const SAMPLES_PER_PART = 32;

/** A key and its stored form. */
export interface KeyText {
  readonly key: MemoryKey;
  readonly text: string;
}

/**
 * Compares stored keys as databases do: by the bytes of UTF-8, which is the order of code points. The order of `<`, by
 * units of UTF-16, is another one where a character beyond U+FFFF meets one from U+E000 on.
 */
export function compareStored(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const one = a.charCodeAt(i);
    const other = b.charCodeAt(i);
    if (one !== other) return one < 0xd800 || other < 0xd800 ? one - other : rankOf(one) - rankOf(other);
  }
  return a.length - b.length;
}

/** Surrogates come after every other unit. */
function rankOf(unit: number): number {
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/**
 * Sorts many keys by their stored form, and leaves the event loop to others meanwhile; few are left as they are. What a
 * database stores in the order of its index, batch by batch, touches each page of that in one transaction and not in all.
 */
export async function inStoredOrder(
  keys: readonly MemoryKey[],
  textOf: (key: MemoryKey) => string,
  clock: Clock,
): Promise<readonly MemoryKey[]> {
  if (keys.length <= KEYS_PER_TURN) return keys;
  return (await sortedByText(keys, textOf, clock)).map(({ key }) => key);
}

/**
 * Sorts keys by their stored form, and leaves the event loop to others meanwhile.
 *
 * A sample sort (W. D. Frazer, A. C. McKellar, "Samplesort", JACM 17, 1970): parts, told apart by a sample, are sorted on
 * their own.
 */
export async function sortedByText(
  keys: readonly MemoryKey[],
  textOf: (key: MemoryKey) => string,
  clock: Clock,
): Promise<readonly KeyText[]> {
  const whole = (key: MemoryKey): KeyText => ({ key, text: textOf(key) });
  if (keys.length <= KEYS_PER_TURN) return keys.map(whole).sort(byText);
  const count = Math.ceil((keys.length * 2) / KEYS_PER_TURN);
  const bounds = boundsOf(keys, count, textOf);
  const parts = Array.from({ length: count }, (): KeyText[] => []);
  for (let start = 0; start < keys.length; start += KEYS_PER_TURN) {
    await nextTurn(clock);
    for (const key of keys.slice(start, start + KEYS_PER_TURN)) {
      const found = whole(key);
      parts[partOf(found.text, bounds)]?.push(found);
    }
  }
  const ordered: KeyText[] = [];
  for (const part of parts) {
    await nextTurn(clock);
    for (const found of part.sort(byText)) ordered.push(found);
  }
  return ordered;
}

function byText(a: KeyText, b: KeyText): number {
  return compareStored(a.text, b.text);
}

/** What the second part and those after it begin with, by a sample. */
function boundsOf(keys: readonly MemoryKey[], count: number, textOf: (key: MemoryKey) => string): string[] {
  const step = Math.floor(keys.length / (count * SAMPLES_PER_PART));
  const sample: string[] = [];
  for (let i = 0; i < keys.length; i += step) sample.push(textOf(keys[i] as MemoryKey));
  sample.sort(compareStored);
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
    if (compareStored(text, bounds[middle] as string) < 0) high = middle;
    else low = middle + 1;
  }
  return low;
}
