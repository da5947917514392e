import type { Commit, RowWrite } from '../../core/storage-adapter.js';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import type { OpenTransaction } from '../sql/connection.js';
import type { Statement } from '../sql/statement.js';
import { toTimestamp } from '../sql/timestamp.js';
import { COLUMNS } from '../sql/upsert.js';

const IS_THAT = '"namespace" = ? AND "key" = ? AND "version" = ?';

/**
 * Makes statements that change one row each if it is what it is expected to be, and none else; `undefined` where nothing is
 * to be changed: the row is to be absent before and after.
 */
export function rowChanger({ now, stamp }: Commit): (row: RowWrite) => Statement | undefined {
  const updatedAt = toTimestamp(now);
  return ({ namespace, key, value, expiresAt, expects }) => {
    if (value === undefined) {
      if (expects === null) return undefined;
      return {
        sql: `DELETE FROM "${CACHE_TABLE}" WHERE ${IS_THAT}`,
        parameters: [namespace, key, expects],
        name: 'delete present',
      };
    }
    if (expects === null)
      return {
        sql: `INSERT INTO "${CACHE_TABLE}" ${COLUMNS} VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT ("namespace", "key") DO NOTHING`,
        parameters: [namespace, key, value, expiresAt, updatedAt, stamp],
        name: 'put absent',
      };
    return {
      sql: `UPDATE "${CACHE_TABLE}" SET "value" = ?, "expires_at" = ?, "updated_at" = ?, "version" = ? WHERE ${IS_THAT}`,
      parameters: [value, expiresAt, updatedAt, stamp, namespace, key, expects],
      name: 'put present',
    };
  };
}

/** Asks which of `rows`, all of one namespace, are not what they are expected to be: as a rule that is none. */
export function otherThanExpected(namespace: string, rows: readonly RowWrite[]): Statement {
  // The members of one object, text by text: SQLite would have to parse lists one by one.
  const members = rows.map(({ key, expects }) => `${JSON.stringify(key)}:${expects}`);
  return {
    sql:
      `SELECT given.key AS "key" FROM json_each(?) given LEFT JOIN "${CACHE_TABLE}" t ` +
      'ON t."namespace" = ? AND t."key" = given.key WHERE t."version" IS NOT given.atom',
    parameters: [`{${members.join(',')}}`, namespace],
    name: 'other than expected',
  };
}

/**
 * Stores and removes `rows` one by one; gives those that are not what they are expected to be. `undefined` where nothing of
 * one is to be changed: no number would say what it was.
 */
export async function compareByRow(
  rows: readonly RowWrite[],
  commit: Commit,
  executeEach: NonNullable<OpenTransaction['executeEach']>,
): Promise<readonly RowWrite[] | undefined> {
  const changeOf = rowChanger(commit);
  const bySql = new Map<string, { rows: RowWrite[]; parameters: unknown[][] }>();
  for (const row of rows) {
    const change = changeOf(row);
    if (change === undefined) return undefined;
    const alike = bySql.get(change.sql) ?? { rows: [], parameters: [] };
    bySql.set(change.sql, alike);
    alike.rows.push(row);
    alike.parameters.push(change.parameters);
  }
  const losers: RowWrite[] = [];
  for (const [sql, alike] of bySql) {
    const changes = await executeEach(sql, alike.parameters);
    losers.push(...alike.rows.filter((_, i) => changes[i] === 0));
  }
  return losers;
}
