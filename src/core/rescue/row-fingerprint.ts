import { crc32 } from 'node:zlib';
import type { Stamp, StampedEntry } from '../storage-adapter.js';

/**
 * What tells one state of a row from another: 31 bits of its stamp and its text, and the lowest bit. That bit says that the row
 * may be gone by now, because it expires, or because what removes it may have been committed. The text is in it because
 * other programs write it and keep the stamp. A 32-bit integer takes no object of its own in memory.
 */
export type Base = number;

const MAY_BE_GONE = 1;
const LOW = 2 ** 32;

export function fingerprint(text: string, stamp: Stamp): Base {
  const seed = ((stamp % LOW) ^ Math.floor(stamp / LOW)) >>> 0;
  return crc32(text, seed) & ~MAY_BE_GONE;
}

/** The same of a row that may go without a word. */
export function withoutNotice(base: Base): Base {
  return base | MAY_BE_GONE;
}

export function mayBeGone(base: Base): boolean {
  return (base & MAY_BE_GONE) !== 0;
}

/** Whether a row is the one that `base` is of. */
export function isStill(row: StampedEntry, base: Base): boolean {
  // A column of another type may hold anything.
  return typeof row.value === 'string' && fingerprint(row.value, row.stamp) === (base & ~MAY_BE_GONE);
}
