/** Entries as lines of `key = value`, by key. */
export function listEntries(entries: Readonly<Record<string, unknown>>): string {
  return Object.entries(entries)
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([key, value]) => `${key} = ${showValue(value)}`)
    .join('\n');
}

/** A stored value as its user wrote it; values of another origin as JSON. */
export function showValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
