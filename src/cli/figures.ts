import type { ExactRow } from '../storage/listed-storage.js';

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'];
/** What a `Date` can be. */
const MOST_MS = 8.64e15;

/** Bytes for people: `512 B`, `1.5 MiB`. */
export function bytesInWords(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let amount = bytes / 1024;
  let unit = 0;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${amount.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

/** A time for programs: ISO 8601 in UTC. `undefined` where there is none. */
export function timeOf(ms: ExactRow['writtenAt'] | undefined): string | undefined {
  if (ms === null || ms === undefined) return undefined;
  if (ms === 'unclear' || Math.abs(ms) > MOST_MS) return 'unclear';
  return new Date(ms).toISOString();
}

/** A time for people, to the second. */
export function timeInWords(ms: ExactRow['writtenAt'] | undefined): string {
  return (
    timeOf(ms)
      ?.replace('T', ' ')
      .replace(/\.\d+Z$/, '') ?? '-'
  );
}
