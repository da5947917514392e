/** Keys named in a log line at most. */
const MOST = 10;

/** Keys for a log line: the first ones, cut where they are long. */
export function firstKeys(keys: readonly string[]): string {
  const shown = keys.slice(0, MOST);
  return shown.map((key) => JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key)).join(', ');
}
