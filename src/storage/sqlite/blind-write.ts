import type { Stamp } from '../../core/storage-adapter.js';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import { chunksOf, partsOf, type Row } from '../sql/row-order.js';
import type { Statement, StatementForm } from '../sql/statement.js';
import { COLUMNS, REPLACE } from '../sql/upsert.js';

/** Rows in one statement of JSON text: the more, the longer SQLite works while the event loop prepares the next batch. */
export const ROWS_PER_TEXT = 2500;

/** Characters of values in one statement: building its text holds the event loop. */
export const CHARACTERS_PER_STATEMENT = 2 ** 19;

// A list as one text: it is quicker than so many parameters, and the statement is the same for every length.
export const ONE_OF = '"namespace" = ? AND "key" IN (SELECT value FROM json_each(?))';

const INSERT = `INSERT INTO "${CACHE_TABLE}" ${COLUMNS}`;
// Without the WHERE, SQLite takes the ON of the conflict for that of a join.
const FROM_OBJECT = 'SELECT ?, key, atom, NULL, ?, ? FROM json_each(?) WHERE true';
const FROM_LIST = 'SELECT value->>0, value->>1, value->>2, value->>3, ?, ? FROM json_each(?) WHERE true';

const ROWS_PER_STATEMENT = 1000;
/**
 * Rows as parameters, six each, of which SQLite takes at most 32 766: statements of 1000 rows and powers of two below. The texts are
 * made once, since that takes as long as to write a few rows.
 */
const PUTS = [ROWS_PER_STATEMENT, ...Array.from({ length: 10 }, (_, i) => 2 ** (9 - i))].map((size) => ({
  size,
  form: {
    name: `put ${size}`,
    sql: `${INSERT} VALUES ${Array.from({ length: size }, () => '(?, ?, ?, ?, ?, ?)').join(', ')} ${REPLACE}`,
  },
}));

const PUT_OBJECT = { name: 'put plain', sql: `${INSERT} ${FROM_OBJECT} ${REPLACE}` };
const PUT_LIST = { name: 'put many', sql: `${INSERT} ${FROM_LIST} ${REPLACE}` };
const DELETE = { name: 'delete', sql: `DELETE FROM "${CACHE_TABLE}" WHERE ${ONE_OF}` };

/** What `sqlite3` writes rows with. */
export const BLIND_FORMS: readonly StatementForm[] = [
  DELETE,
  PUT_OBJECT,
  PUT_LIST,
  ...PUTS.filter(({ size }) => size === 1).map(({ form }) => form),
];

/** What a commit leaves in its rows. */
interface Written {
  readonly updatedAt: string;
  readonly stamp: Stamp;
}

/** Stores rows, which are in the order of the primary key, whatever there is of them. */
export function* putsOf(
  rows: readonly Row[],
  written: Written,
  areParameters: boolean,
): Generator<Statement> {
  const most = areParameters ? ROWS_PER_STATEMENT : ROWS_PER_TEXT;
  for (const part of partsOf(rows, most, CHARACTERS_PER_STATEMENT)) {
    if (areParameters || part.length === 1) yield* asParameters(part, written);
    else yield isPlain(part) ? asObject(part, written) : asList(part, written);
  }
}

export function* deletesOf(namespace: string, keys: readonly string[]): Generator<Statement> {
  for (const chunk of chunksOf(keys, ROWS_PER_TEXT))
    yield { ...DELETE, parameters: [namespace, JSON.stringify(chunk)] };
}

function* asParameters(rows: readonly Row[], { updatedAt, stamp }: Written): Generator<Statement> {
  let start = 0;
  for (const { size, form } of PUTS)
    for (; rows.length - start >= size; start += size) {
      const parameters: unknown[] = [];
      for (const { namespace, key, value, expiresAt } of rows.slice(start, start + size))
        parameters.push(namespace, key, value, expiresAt, updatedAt, stamp);
      yield { ...form, parameters };
    }
}

/** Whether rows differ in key and value alone. */
function isPlain(rows: readonly Row[]): boolean {
  const namespace = rows[0]?.namespace;
  return rows.every((row) => row.namespace === namespace && row.expiresAt === null);
}

/** Plain rows as the members of an object: SQLite takes them in two thirds of the time of lists, each of which it has to parse. */
function asObject(rows: readonly Row[], { updatedAt, stamp }: Written): Statement {
  // Text by text: an object of JavaScript would put keys that are numbers in another order.
  const members = rows.map(({ key, value }) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return { ...PUT_OBJECT, parameters: [rows[0]?.namespace, updatedAt, stamp, `{${members.join(',')}}`] };
}

function asList(rows: readonly Row[], { updatedAt, stamp }: Written): Statement {
  const json = JSON.stringify(rows.map((row) => [row.namespace, row.key, row.value, row.expiresAt]));
  return { ...PUT_LIST, parameters: [updatedAt, stamp, json] };
}
