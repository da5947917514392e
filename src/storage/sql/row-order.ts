import type { RowWrite } from '../../core/storage-adapter.js';

/** A row to store. */
export interface Row extends RowWrite {
  readonly value: string;
}

/**
 * The rows of `writes` to be stored, in the order of the primary key: each page of the index is touched once, and two
 * instances that write the same rows lock them in one order.
 */
export function sortedRows(writes: readonly RowWrite[]): Row[] {
  return writes.filter(isPut).sort(byPrimaryKey);
}

/** The keys of those to be removed, by namespace, in that order too. */
export function removedKeys(writes: readonly RowWrite[]): Map<string, string[]> {
  return keysByNamespace(writes.filter((write) => !isPut(write)));
}

/** The keys of all of them. */
export function keysByNamespace(writes: readonly RowWrite[]): Map<string, string[]> {
  const keys = new Map<string, string[]>();
  for (const [namespace, rows] of byNamespace(writes))
    keys.set(
      namespace,
      rows.map(({ key }) => key),
    );
  return keys;
}

/** The rows of each namespace, in that order. */
export function byNamespace(writes: readonly RowWrite[]): Map<string, RowWrite[]> {
  const rows = new Map<string, RowWrite[]>();
  for (const row of inKeyOrder(writes)) {
    const others = rows.get(row.namespace);
    if (others === undefined) rows.set(row.namespace, [row]);
    else others.push(row);
  }
  return rows;
}

function isPut(write: RowWrite): write is Row {
  return write.value !== undefined;
}

/** `rows` in the order of the primary key. */
export function inKeyOrder<T extends RowWrite>(rows: readonly T[]): T[] {
  return rows.toSorted(byPrimaryKey);
}

function byPrimaryKey(a: RowWrite, b: RowWrite): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** Parts of `items` of at most `size`. */
export function* chunksOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/** Parts of `rows` that fit a statement: so many rows, and no more than `maxSize` in all unless one alone is larger. */
export function* partsOf<T extends { readonly value: unknown }>(
  rows: readonly T[],
  maxRows: number,
  maxSize: number,
  sizeOf: (row: T) => number = charactersOf,
): Generator<readonly T[]> {
  let part: T[] = [];
  let total = 0;
  for (const row of rows) {
    const size = sizeOf(row);
    const full = part.length === maxRows || total + size > maxSize;
    if (full && part.length > 0) {
      yield part;
      part = [];
      total = 0;
    }
    part.push(row);
    total += size;
  }
  if (part.length > 0) yield part;
}

/** Of the value. What is no text is for the database to refuse. */
function charactersOf({ value }: { readonly value: unknown }): number {
  return typeof value === 'string' ? value.length : 0;
}
