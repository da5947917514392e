import type { LoadCursor } from '../core/storage-adapter.js';
import type { ExactRead, ExactRow, ListedStorage, RefusedRows, SizedKey } from '../storage/listed-storage.js';

/** Keys in memory at a time. */
const KEYS_PER_PAGE = 1000;
/** Bytes of rows that are read at a time, unless one alone is larger. */
const BYTES_PER_PART = 4 * 2 ** 20;
/** What a row takes besides its value. */
const ROW_OVERHEAD = 256;

/** Some rows of one storage beside those of another. */
export interface ComparedRows {
  readonly rows: readonly ExactRow[];
  /** Those of `rows` that the other storage lacks, or has with another value or expiry. */
  readonly missing: readonly ExactRow[];
  /** What can't be read as it is. */
  readonly refused: readonly RefusedRows[];
}

/**
 * Every row of a namespace of `one`, in parts that fit into memory however large the values are, compared with those of
 * `other`. Rows that had expired by `now` (wall-clock ms) are left out.
 */
export async function* compareRows(
  namespace: string,
  one: ListedStorage,
  other: ListedStorage | undefined,
  now: number,
): AsyncGenerator<ComparedRows> {
  let after: LoadCursor | undefined;
  do {
    const page = await one.keys(namespace, { after, limit: KEYS_PER_PAGE, now });
    if (page.refused.length > 0) yield { rows: [], missing: [], refused: page.refused };
    for (const keys of inParts(page.keys)) {
      const { rows: found, refused } = inOrderOf(keys, await one.exact(namespace, keys));
      // An expiry that is stored as a text is later than every number for the database.
      const rows = found.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
      yield { rows, refused, missing: other === undefined ? rows : await missingIn(other, namespace, rows) };
    }
    after = page.next;
  } while (after !== undefined);
}

/** Rows in the order of their keys in `keys`, so that the first ones are the same each time. */
export function inOrderOf(keys: readonly string[], { rows, refused }: ExactRead): ExactRead {
  const places = new Map(keys.map((key, place) => [key, place]));
  const placeOf = (key: string | undefined): number => places.get(key ?? '') ?? keys.length;
  return {
    rows: rows.toSorted((a, b) => placeOf(a.key) - placeOf(b.key)),
    refused: refused.toSorted((a, b) => placeOf(a.keys[0]) - placeOf(b.keys[0])),
  };
}

async function missingIn(
  storage: ListedStorage,
  namespace: string,
  rows: readonly ExactRow[],
): Promise<readonly ExactRow[]> {
  const missing = new Map(rows.map((row) => [row.key, row]));
  // Its values may be larger than those that it is compared with.
  for (const keys of inParts(await sizesIn(storage, namespace, [...missing.keys()]))) {
    for (const there of (await storage.exact(namespace, keys)).rows) {
      const row = missing.get(there.key);
      if (row?.value === there.value && row.expiresAt === there.expiresAt) missing.delete(there.key);
    }
  }
  return [...missing.values()];
}

/** A key that the database does not accept in a query is not there. */
async function sizesIn(
  storage: ListedStorage,
  namespace: string,
  keys: readonly string[],
): Promise<readonly SizedKey[]> {
  if (keys.length === 0) return [];
  try {
    return await storage.sizes(namespace, keys);
  } catch (error) {
    if (storage.classify(error) === 'transient') throw error;
    if (keys.length === 1) return [];
    const middle = keys.length >>> 1;
    const first = await sizesIn(storage, namespace, keys.slice(0, middle));
    return [...first, ...(await sizesIn(storage, namespace, keys.slice(middle)))];
  }
}

/** Keys, so many together as their rows fit into memory. */
export function* inParts(keys: readonly SizedKey[]): Generator<readonly string[]> {
  let part: string[] = [];
  let total = 0;
  for (const { key, size } of keys) {
    if (part.length > 0 && total + size > BYTES_PER_PART) {
      yield part;
      part = [];
      total = 0;
    }
    part.push(key);
    total += size + ROW_OVERHEAD;
  }
  if (part.length > 0) yield part;
}
