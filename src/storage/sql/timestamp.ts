/** Wall-clock ms as SQLite and MySQL read times, in UTC, to the millisecond. */
export function toTimestamp(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
}
