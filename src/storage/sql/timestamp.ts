/** Digits of a second that `updated_at` needs: a replayed journal asks which of two writes was the later one. */
export const LEAST_DIGITS = 3;

/** Wall-clock ms as SQLite and MySQL read times, in UTC, to the millisecond. */
export function toTimestamp(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
}
