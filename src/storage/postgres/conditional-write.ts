import type { Commit, RowWrite } from '../../core/storage-adapter.js';
import type { ConditionalWrite } from '../sql/dialect.js';
import { COLUMNS, REPLACE } from '../sql/upsert.js';
import { countWinners, losersOf, noteOf, type Winners } from './winners.js';

/** What is to become of a row, and of which one. */
type Kind = 'put' | 'delete' | 'replace' | 'insert' | 'deleteSame' | 'leaveAbsent';

function kindOf({ value, expects }: RowWrite): Kind {
  if (expects === undefined) return value === undefined ? 'delete' : 'put';
  if (expects === null) return value === undefined ? 'leaveAbsent' : 'insert';
  return value === undefined ? 'deleteSame' : 'replace';
}

const IS_SAME_KEY = 't."namespace" = r.n AND t."key" = r.k';
const STORED = 'SELECT r.n, r.k, r.v, r.e, to_timestamp($2 / 1000.0), $3::bigint FROM given r';

/** The statement of each kind. Where rows of it may lose, it gives the winners as `n` and `k`. */
const STATEMENTS: Readonly<Record<Kind, (table: string) => string>> = {
  put: (table) => `INSERT INTO ${table} ${COLUMNS} ${STORED} WHERE r.o = 'put' ${REPLACE}`,
  delete: (table) => `DELETE FROM ${table} t USING given r WHERE r.o = 'delete' AND ${IS_SAME_KEY}`,
  replace: (table) =>
    `UPDATE ${table} t SET "value" = r.v, "expires_at" = r.e, "updated_at" = to_timestamp($2 / 1000.0), "version" = $3::bigint ` +
    `FROM given r WHERE r.o = 'replace' AND ${IS_SAME_KEY} AND t."version" = r.x RETURNING r.n, r.k`,
  // Another unique key of the table is for its error to name.
  insert: (table) =>
    `INSERT INTO ${table} ${COLUMNS} ${STORED} WHERE r.o = 'insert' ` +
    'ON CONFLICT ("namespace", "key") DO NOTHING RETURNING "namespace" AS n, "key" AS k',
  deleteSame: (table) =>
    `DELETE FROM ${table} t USING given r WHERE r.o = 'deleteSame' AND ${IS_SAME_KEY} AND t."version" = r.x RETURNING r.n, r.k`,
  leaveAbsent: (table) =>
    `SELECT r.n, r.k FROM given r WHERE r.o = 'leaveAbsent' AND NOT EXISTS (SELECT 1 FROM ${table} t WHERE ${IS_SAME_KEY})`,
};
const GIVEN = 'json_to_recordset($1::json) AS r(o text, n text, k text, v text, e bigint, x bigint)';
/**
 * What is to be written, where it is of one kind. That of several begins when all rows that are there are locked, in the order of
 * their keys: each kind has an order of its own, and two instances would wait for one another until the server ends one of them.
 */
const ONE_KIND = [`given AS (SELECT * FROM ${GIVEN})`];
const SEVERAL_KINDS = (table: string): readonly string[] => [
  // By such a comparison the planner expects few, too.
  `held AS (SELECT 1 FROM ${GIVEN} JOIN ${table} t ON ${IS_SAME_KEY} WHERE r.o = r.o || '' FOR UPDATE OF t)`,
  `given AS (SELECT * FROM ${GIVEN} WHERE (SELECT count(*) FROM held) >= 0)`,
];
/** What is asked where no row may lose. */
const NOTHING = 'SELECT NULL AS n, NULL AS k WHERE false';
const IS_BLIND: ReadonlySet<Kind> = new Set(['put', 'delete']);
const STORES: ReadonlySet<Kind> = new Set(['put', 'replace', 'insert']);

/**
 * One statement for rows of all kinds, no key among them twice: the kinds see the same snapshot, and none sees what another writes.
 * `rows` are in the order of the primary key, in which each kind locks them.
 *
 * Each kind picks its rows by a comparison, of which the planner expects few: so it looks each row up by the primary key,
 * however little it knows of the table. It is not kept prepared: a plan made for a small table would stay when that grows.
 */
export function conditionalWrite(
  table: string,
  rows: readonly RowWrite[],
  { now, stamp, logged }: Commit,
  /** The table that takes a note of what has been written. */
  changes?: string,
): ConditionalWrite {
  const kinds = new Set<Kind>();
  const given = rows.map((row) => {
    const { namespace: n, key: k, value: v, expiresAt: e, expects: x } = row;
    const o = kindOf(row);
    kinds.add(o);
    return { o, n, k, v, e, x };
  });
  const parts = [
    ...(kinds.size > 1 ? SEVERAL_KINDS(table) : ONE_KIND),
    ...[...kinds].map((kind) => `"${kind}" AS (${STATEMENTS[kind](table)})`),
  ];
  const winners = [...kinds]
    .filter((kind) => !IS_BLIND.has(kind))
    .map((kind) => `SELECT n, k FROM "${kind}"`);
  const isStored = [...kinds].some((kind) => STORES.has(kind));
  const parameters: unknown[] = [JSON.stringify(given), ...(isStored ? [now, stamp] : [])];
  const written = writtenBy(kinds);
  if (changes !== undefined && logged !== undefined && written.length > 0) {
    parts.push(noteOf(written.join(' UNION ALL '), changes, parameters.length + 1));
    parameters.push(logged.writer, logged.n, stamp);
  }
  const conditional = rows.filter(({ expects }) => expects !== undefined);
  const won = winners.length === 0 ? NOTHING : winners.join(' UNION ALL ');
  return {
    statement: {
      sql: `WITH ${parts.join(', ')}, won AS (${won}) ${countWinners(String(conditional.length))}`,
      parameters,
    },
    losers: ([answer]) => losersOf(conditional, answer as Winners),
  };
}

/** The rows that are what they are to be now: of those that may lose, the winners. */
function writtenBy(kinds: ReadonlySet<Kind>): string[] {
  const some = [...kinds].filter((kind) => !IS_BLIND.has(kind));
  const blind = [...kinds].filter((kind) => IS_BLIND.has(kind)).map((kind) => `'${kind}'`);
  return [
    ...some.map((kind) => `SELECT n, k FROM "${kind}"`),
    ...(blind.length === 0 ? [] : [`SELECT r.n, r.k FROM given r WHERE r.o IN (${blind.join(', ')})`]),
  ];
}
