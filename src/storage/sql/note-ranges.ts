import type { LogPosition } from '../../core/storage-adapter.js';
import { chunksOf } from './row-order.js';
import type { Statement } from './statement.js';

/** Writers in one statement: SQLite takes 500 of its parts. */
const WRITERS_PER_STATEMENT = 100;

/** What gives the notes behind positions where a join can't read a range for each writer: the ranges one after the other. */
export function* noteRanges(
  table: string,
  positions: readonly LogPosition[],
  limit: number,
): Generator<Statement> {
  for (const some of chunksOf(positions, WRITERS_PER_STATEMENT)) {
    const ranges = some.map(
      (_, i) =>
        `SELECT * FROM (SELECT writer, n, changes FROM ${table} WHERE writer = ? AND n > ? ORDER BY n LIMIT ?) AS r${i}`,
    );
    yield {
      sql: ranges.join(' UNION ALL '),
      parameters: some.flatMap(({ writer, n }) => [writer, n, limit]),
    };
  }
}
