import type { StoredEntry } from '../storage-adapter.js';

/**
 * Most rows in one query, and about how many characters of values: few enough to leave the event loop to others between
 * pages. How large the values are is seen on the first page.
 */
const PAGE = { first: 100, rows: 1000, characters: 2 ** 19 };

/** How many rows the first page takes. */
export const FIRST_PAGE = PAGE.first;

/** How many rows the next page takes, if they are as large as those of this one. */
export function limitAfter(page: readonly StoredEntry[]): number {
  if (page.length === 0) return PAGE.first;
  let characters = 1;
  // A row that does not decode may have anything for a value.
  for (const { value } of page) if (typeof value === 'string') characters += value.length;
  const rows = Math.floor((page.length * PAGE.characters) / characters);
  return Math.max(1, Math.min(PAGE.rows, rows));
}
