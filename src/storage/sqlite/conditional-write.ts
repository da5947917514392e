import type { Commit, RowWrite, Stamp } from '../../core/storage-adapter.js';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import type { OpenTransaction } from '../sql/connection.js';
import type { Statement, StatementForm } from '../sql/statement.js';
import { toTimestamp } from '../sql/timestamp.js';
import { COLUMNS } from '../sql/upsert.js';

const IS_THAT = '"namespace" = ? AND "key" = ? AND "version" = ?';

const DELETE_PRESENT = { name: 'delete present', sql: `DELETE FROM "${CACHE_TABLE}" WHERE ${IS_THAT}` };
const PUT_ABSENT = {
  name: 'put absent',
  sql: `INSERT INTO "${CACHE_TABLE}" ${COLUMNS} VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT ("namespace", "key") DO NOTHING`,
};
const PUT_PRESENT = {
  name: 'put present',
  sql: `UPDATE "${CACHE_TABLE}" SET "value" = ?, "expires_at" = ?, "updated_at" = ?, "version" = ? WHERE ${IS_THAT}`,
};

/** What changes one row if it is what it is expected to be, and none else. */
interface RowChange {
  readonly form: StatementForm;
  readonly parameters: unknown[];
}

/** `undefined` where nothing is to be changed: the row is to be absent before and after. */
function changeOf(row: RowWrite, stamp: Stamp, updatedAt: string): RowChange | undefined {
  const { namespace, key, value, expiresAt, expects } = row;
  if (value === undefined)
    return expects === null ? undefined : { form: DELETE_PRESENT, parameters: [namespace, key, expects] };
  if (expects === null)
    return { form: PUT_ABSENT, parameters: [namespace, key, value, expiresAt, updatedAt, stamp] };
  return { form: PUT_PRESENT, parameters: [value, expiresAt, updatedAt, stamp, namespace, key, expects] };
}

/** The statement that changes a row if it is what it is expected to be; `undefined` where nothing is to be changed. */
export function changedRow(row: RowWrite, { now, stamp }: Commit): Statement | undefined {
  const change = changeOf(row, stamp, toTimestamp(now));
  return change && { ...change.form, parameters: change.parameters };
}

/** Characters of a number before a key: those of the least safe integer. */
const WIDTH = 17;

/**
 * Stores rows that are there with the stamp that is expected. They are the members of one object, whose atoms SQLite takes as they are:
 * what is short is before the key. Of the namespace, too, SQLite is to believe that it comes with the row that is given: by the
 * namespace alone it would read all of that, and go through all that is given for each row of it.
 */
function changePresent(expiry: string, keyFrom: number): string {
  return (
    `UPDATE "${CACHE_TABLE}" SET "value" = given.atom, "expires_at" = ${expiry}, "updated_at" = ?, "version" = ? ` +
    `FROM json_each(?) given WHERE "${CACHE_TABLE}"."namespace" = iif(given.key IS NULL, NULL, ?) ` +
    `AND "${CACHE_TABLE}"."key" = substr(given.key, ${keyFrom}) ` +
    `AND "${CACHE_TABLE}"."version" = CAST(substr(given.key, 1, ${WIDTH}) AS INTEGER)`
  );
}

const PUT_LASTING = { name: 'put present lasting', sql: changePresent('NULL', WIDTH + 1) };
const PUT_EXPIRING = {
  name: 'put present expiring',
  sql: changePresent(
    `CAST(nullif(trim(substr(given.key, ${WIDTH + 1}, ${WIDTH})), '') AS INTEGER)`,
    2 * WIDTH + 1,
  ),
};

/** Those whose number of changed rows is that of the rows that were as expected. */
export const COUNTING_FORMS: readonly StatementForm[] = [
  DELETE_PRESENT,
  PUT_ABSENT,
  PUT_PRESENT,
  PUT_LASTING,
  PUT_EXPIRING,
];

/** What stores those of `rows` that are there with the stamp that they expect; `undefined` for other rows, or of several namespaces. */
export function presentChanger(rows: readonly RowWrite[], { now, stamp }: Commit): Statement | undefined {
  const namespace = rows[0]?.namespace;
  const isLasting = rows.every(({ expiresAt }) => expiresAt === null);
  const members: string[] = [];
  let padded = '';
  let last: Stamp | null | undefined;
  for (const { namespace: own, key, value, expiresAt, expects } of rows) {
    // What is no text, or no number, is for the statement of each row to refuse.
    if (own !== namespace || typeof value !== 'string' || !Number.isSafeInteger(expects)) return undefined;
    if (expiresAt !== null && !Number.isSafeInteger(expiresAt)) return undefined;
    // What was written together is often written together again.
    if (expects !== last) padded = String((last = expects)).padStart(WIDTH);
    const numbers = isLasting ? padded : padded + String(expiresAt ?? '').padStart(WIDTH);
    members.push(`${JSON.stringify(numbers + key)}:${JSON.stringify(value)}`);
  }
  const given = `{${members.join(',')}}`;
  // SQLite takes it for the end of a text of which it gives a part.
  if (given.includes('\\u0000')) return undefined;
  return {
    ...(isLasting ? PUT_LASTING : PUT_EXPIRING),
    parameters: [toTimestamp(now), stamp, given, namespace],
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
  const updatedAt = toTimestamp(commit.now);
  const groups = new Map<StatementForm, { readonly rows: RowWrite[]; readonly parameters: unknown[][] }>();
  for (const row of rows) {
    const change = changeOf(row, commit.stamp, updatedAt);
    if (change === undefined) return undefined;
    let alike = groups.get(change.form);
    if (alike === undefined) groups.set(change.form, (alike = { rows: [], parameters: [] }));
    alike.rows.push(row);
    alike.parameters.push(change.parameters);
  }
  const losers: RowWrite[] = [];
  for (const [{ sql }, alike] of groups) {
    const changes = await executeEach(sql, alike.parameters);
    losers.push(...alike.rows.filter((_, i) => changes[i] === 0));
  }
  return losers;
}
