import type { Commit, RowWrite } from '../../core/storage-adapter.js';
import type { ConditionalWrite } from '../sql/dialect.js';
import type { Statement } from '../sql/statement.js';
import { COLUMNS } from '../sql/upsert.js';

const IS_SAME = '"namespace" = $1 AND "key" = $2';

/**
 * One statement for one row that is to be what it expects, which gives a row where it was: short, since to plan one that
 * has a part for each kind of write takes longer than to write the row. TypeORM gives rows of what begins with WITH.
 */
export function loneWrite(table: string, row: RowWrite, commit: Commit): ConditionalWrite {
  return {
    statement: row.value === undefined ? removal(table, row) : storing(table, row, commit),
    losers: (answer) => (answer.length === 0 ? [row] : []),
  };
}

function storing(table: string, row: RowWrite, { now, stamp }: Commit): Statement {
  const { namespace, key, value, expiresAt, expects } = row;
  const parameters = [namespace, key, value, expiresAt, now, stamp];
  if (expects === null)
    return {
      sql:
        `WITH done AS (INSERT INTO ${table} ${COLUMNS} VALUES ($1, $2, $3, $4::bigint, to_timestamp($5 / 1000.0), $6::bigint) ` +
        'ON CONFLICT ("namespace", "key") DO NOTHING RETURNING 1) SELECT 1 FROM done',
      parameters,
    };
  return {
    sql:
      `WITH done AS (UPDATE ${table} SET "value" = $3, "expires_at" = $4::bigint, "updated_at" = to_timestamp($5 / 1000.0), ` +
      `"version" = $6::bigint WHERE ${IS_SAME} AND "version" = $7::bigint RETURNING 1) SELECT 1 FROM done`,
    parameters: [...parameters, expects],
  };
}

function removal(table: string, { namespace, key, expects }: RowWrite): Statement {
  if (expects === null)
    return {
      sql: `SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM ${table} WHERE ${IS_SAME})`,
      parameters: [namespace, key],
    };
  return {
    sql: `WITH done AS (DELETE FROM ${table} WHERE ${IS_SAME} AND "version" = $3::bigint RETURNING 1) SELECT 1 FROM done`,
    parameters: [namespace, key, expects],
  };
}
