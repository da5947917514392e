import type { Commit, RowWrite } from '../../core/storage-adapter.js';
import type { ConditionalWrite } from '../sql/dialect.js';
import { countWinners, losersOf, noteOf, type Winners } from './winners.js';

/** Whether each of `rows` is to be stored over one that is there. */
export function areReplacements(rows: readonly RowWrite[]): boolean {
  return rows.every(({ value, expects }) => value !== undefined && typeof expects === 'number');
}

/** True of each row. By such a comparison the planner expects few, and looks each up by the primary key, in the order of the rows. */
const IS_GIVEN = `r.n = r.n || ''`;

/**
 * Stores `rows` over those that are there with the stamps they expect, as a commit of updates does: the text is the same for any number
 * of rows, so that it may be kept prepared.
 */
export function replacement(
  table: string,
  rows: readonly RowWrite[],
  { now, stamp, logged }: Commit,
  /** The table that takes a note of what has been written. */
  changes?: string,
): ConditionalWrite {
  const parts = [
    `won AS (UPDATE ${table} t SET "value" = r.v, "expires_at" = r.e, "updated_at" = to_timestamp($2 / 1000.0), "version" = $3::bigint ` +
      'FROM json_to_recordset($1::json) AS r(n text, k text, v text, e bigint, x bigint) ' +
      `WHERE ${IS_GIVEN} AND t."namespace" = r.n AND t."key" = r.k AND t."version" = r.x RETURNING r.n, r.k)`,
  ];
  const parameters: unknown[] = [
    JSON.stringify(
      rows.map(({ namespace: n, key: k, value: v, expiresAt: e, expects: x }) => ({ n, k, v, e, x })),
    ),
    now,
    stamp,
    rows.length,
  ];
  const isNoted = changes !== undefined && logged !== undefined;
  if (isNoted) {
    parts.push(noteOf('SELECT n, k FROM won', changes, parameters.length + 1));
    parameters.push(logged.writer, logged.n, stamp);
  }
  return {
    statement: {
      sql: `WITH ${parts.join(', ')} ${countWinners('$4')}`,
      parameters,
      name: isNoted ? 'replace noted' : 'replace',
    },
    losers: ([answer]) => losersOf(rows, answer as Winners),
  };
}
