import type { RefusedRows } from '../storage/listed-storage.js';

const MOST_KEYS = 3;

/** Rows that could not be copied, by their reason: how many, and the first of their keys. */
export class Refusals {
  readonly #byReason = new Map<string, { count: number; keys: string[] }>();

  /** In all. */
  count = 0;

  add({ reason, count, keys }: RefusedRows): void {
    let found = this.#byReason.get(reason);
    if (found === undefined) {
      found = { count: 0, keys: [] };
      this.#byReason.set(reason, found);
    }
    found.count += count;
    found.keys.push(...keys.slice(0, MOST_KEYS - found.keys.length));
    this.count += count;
  }

  list(): readonly RefusedRows[] {
    return [...this.#byReason].map(([reason, { count, keys }]) => ({ reason, count, keys }));
  }
}
