import type { Commit, RowWrite } from '../../core/storage-adapter.js';
import type { Statement } from '../sql/statement.js';
import { COLUMNS } from '../sql/upsert.js';

const IS_SAME = '"namespace" = $1 AND "key" = $2';

/**
 * What changes one row if it is what it expects to be, and no row else; `undefined` where nothing is to be changed. It is
 * short and kept prepared: to plan a statement that has a part for each kind of write takes longer than to write one row.
 */
export function loneWrite(table: string, row: RowWrite, { now, stamp }: Commit): Statement | undefined {
  const { namespace, key, value, expiresAt, expects } = row;
  if (value === undefined) {
    if (expects === null) return undefined;
    return {
      sql: `DELETE FROM ${table} WHERE ${IS_SAME} AND "version" = $3::bigint`,
      parameters: [namespace, key, expects],
      name: 'delete 1',
    };
  }
  const parameters = [namespace, key, value, expiresAt, new Date(now).toISOString(), stamp];
  if (expects === null)
    return {
      sql:
        `INSERT INTO ${table} ${COLUMNS} VALUES ($1, $2, $3, $4::bigint, $5::timestamptz, $6::bigint) ` +
        'ON CONFLICT ("namespace", "key") DO NOTHING',
      parameters,
      name: 'insert 1',
    };
  return {
    sql:
      `UPDATE ${table} SET "value" = $3, "expires_at" = $4::bigint, "updated_at" = $5::timestamptz, "version" = $6::bigint ` +
      `WHERE ${IS_SAME} AND "version" = $7::bigint`,
    parameters: [...parameters, expects],
    name: 'replace 1',
  };
}
