import type { ReadRow } from './reader.js';

/** Rows of one transaction. */
const ROWS_PER_BATCH = 500;
const BYTES_PER_BATCH = 4 * 2 ** 20;

/** Rows of one namespace, no key twice, in the order of their lines: so many as one transaction takes. */
export async function* batchesOf(rows: AsyncIterable<ReadRow>): AsyncGenerator<readonly ReadRow[]> {
  let batch: ReadRow[] = [];
  let keys = new Set<string>();
  let bytes = 0;
  for await (const row of rows) {
    const isOther = batch[0] !== undefined && batch[0].namespace !== row.namespace;
    if (isOther || keys.has(row.key) || batch.length >= ROWS_PER_BATCH || bytes >= BYTES_PER_BATCH) {
      yield batch;
      batch = [];
      keys = new Set();
      bytes = 0;
    }
    batch.push(row);
    keys.add(row.key);
    bytes += row.key.length + row.value.length;
  }
  if (batch.length > 0) yield batch;
}
