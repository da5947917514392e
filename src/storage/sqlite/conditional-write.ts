import type { Commit, RowWrite } from '../../core/storage-adapter.js';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import type { OpenTransaction } from '../sql/connection.js';
import type { ConditionalWrite } from '../sql/dialect.js';
import type { Statement } from '../sql/statement.js';
import { toTimestamp } from '../sql/timestamp.js';
import { COLUMNS } from '../sql/upsert.js';

/**
 * One statement that stores or removes a row if it is what it is expected to be, and then gives a row. It begins with WITH:
 * where the package `sqlite3` works, TypeORM asks for no rows of what begins with INSERT, UPDATE or DELETE.
 */
export function writeWhere(row: RowWrite, commit: Commit): ConditionalWrite {
  return {
    statement: row.value === undefined ? removal(row) : storing(row, commit),
    losers: (answer) => (answer.length === 0 ? [row] : []),
  };
}

function storing(row: RowWrite, { now, stamp }: Commit): Statement {
  const { namespace, key, value, expiresAt, expects } = row;
  const updatedAt = toTimestamp(now);
  if (expects === null)
    return {
      sql:
        `WITH given AS (VALUES (?, ?, ?, ?, ?, ?)) INSERT INTO "${CACHE_TABLE}" ${COLUMNS} SELECT * FROM given WHERE true ` +
        'ON CONFLICT ("namespace", "key") DO NOTHING RETURNING 1',
      parameters: [namespace, key, value, expiresAt, updatedAt, stamp],
      name: 'put absent',
    };
  return {
    sql:
      `${EXPECTED} UPDATE "${CACHE_TABLE}" SET "value" = ?, "expires_at" = ?, "updated_at" = ?, "version" = ? ` +
      `WHERE ${IS_EXPECTED} RETURNING 1`,
    parameters: [expects, value, expiresAt, updatedAt, stamp, namespace, key],
    name: 'put present',
  };
}

function removal({ namespace, key, expects }: RowWrite): Statement {
  if (expects === null)
    return {
      sql: `SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM "${CACHE_TABLE}" WHERE "namespace" = ? AND "key" = ?)`,
      parameters: [namespace, key],
      name: 'is absent',
    };
  return {
    sql: `${EXPECTED} DELETE FROM "${CACHE_TABLE}" WHERE ${IS_EXPECTED} RETURNING 1`,
    parameters: [expects, namespace, key],
    name: 'delete present',
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

/** Whether a row is to be absent before and after: then nothing is changed that could be counted. */
export function onlyCompares({ value, expects }: RowWrite): boolean {
  return value === undefined && expects === null;
}

/** Stores and removes `rows` one by one, none of which {@link onlyCompares}; gives those that are not what they are expected to be. */
export async function compareByRow(
  rows: readonly RowWrite[],
  { now, stamp }: Commit,
  executeEach: NonNullable<OpenTransaction['executeEach']>,
): Promise<readonly RowWrite[]> {
  const updatedAt = toTimestamp(now);
  const kinds: readonly (readonly [string, (row: RowWrite) => boolean, (row: RowWrite) => unknown[]])[] = [
    [
      `UPDATE "${CACHE_TABLE}" SET "value" = ?, "expires_at" = ?, "updated_at" = ?, "version" = ? WHERE ${IS_THAT}`,
      ({ value, expects }) => value !== undefined && expects !== null,
      ({ namespace, key, value, expiresAt, expects }) => [
        value,
        expiresAt,
        updatedAt,
        stamp,
        namespace,
        key,
        expects,
      ],
    ],
    [
      `INSERT INTO "${CACHE_TABLE}" ${COLUMNS} VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT ("namespace", "key") DO NOTHING`,
      ({ value, expects }) => value !== undefined && expects === null,
      ({ namespace, key, value, expiresAt }) => [namespace, key, value, expiresAt, updatedAt, stamp],
    ],
    [
      `DELETE FROM "${CACHE_TABLE}" WHERE ${IS_THAT}`,
      ({ value, expects }) => value === undefined && expects !== null,
      ({ namespace, key, expects }) => [namespace, key, expects],
    ],
  ];
  const losers: RowWrite[] = [];
  for (const [sql, isOf, parametersOf] of kinds) {
    const some = rows.filter(isOf);
    if (some.length === 0) continue;
    const changes = await executeEach(sql, some.map(parametersOf));
    losers.push(...some.filter((_, i) => changes[i] === 0));
  }
  return losers;
}

const IS_THAT = '"namespace" = ? AND "key" = ? AND "version" = ?';
const EXPECTED = 'WITH expected(stamp) AS (VALUES (?))';
const IS_EXPECTED = '"namespace" = ? AND "key" = ? AND "version" = (SELECT stamp FROM expected)';
