import type { ExactRow, ListedKey, ListedStorage, RefusedRows } from '../storage/listed-storage.js';
import { inOrderOf, inParts } from './row-comparison.js';

/** Some rows of a page with their values. */
export interface ValuedKeys {
  readonly rows: readonly (ListedKey & { readonly value: string })[];
  /** Rows whose values can't be read as they are. */
  readonly refused: readonly RefusedRows[];
}

/** The rows of `keys` with their values, in parts that fit into memory however large the values are. */
export async function* valuesOf(
  storage: ListedStorage,
  namespace: string,
  keys: readonly ListedKey[],
): AsyncGenerator<ValuedKeys> {
  const known = new Map(keys.map((key) => [key.key, key]));
  for (const part of inParts(keys)) {
    const { rows, refused } = inOrderOf(part, await storage.exact(namespace, part));
    yield { rows: rows.map((row) => valued(row, known.get(row.key))), refused };
  }
}

function valued(
  { key, value, expiresAt, writtenAt }: ExactRow,
  listed: ListedKey | undefined,
): ListedKey & { readonly value: string } {
  return { key, value, expiresAt, writtenAt, size: listed?.size ?? Buffer.byteLength(value) };
}
