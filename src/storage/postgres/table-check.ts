import type { QueryRunner } from 'typeorm';
import { driverErrorOf } from '../driver-error.js';
import { ALIKE } from '../sql/alike.js';
import { BEFORE, withFreeNames, type NameOf } from '../sql/free-names.js';
import { setAsideNote } from '../sql/set-aside.js';
import { hasUniqueKey, noUniqueKey, shapeFaults, type Mending, type TableFault } from '../sql/table-shape.js';
import {
  catalogueOf,
  removalOf,
  shapeOf,
  uniqueKeysOf,
  type CatalogueColumn,
  type CatalogueKey,
} from './table-catalogue.js';

/** The migrations create it again when their bookkeeping table is empty. */
const missing = (table: string): TableFault => ({
  what: 'it is missing',
  isBeyondAdopting: true,
  remedy: `DELETE FROM ${table.replace(/"[^"]*"$/, '"cache_migrations"')};`,
});

const ORDINARY = 'r';
const PARTITIONED = 'p';
/** How other objects are named in statements. */
const OTHER_KINDS: Readonly<Record<string, string>> = {
  v: 'VIEW',
  m: 'MATERIALIZED VIEW',
  f: 'FOREIGN TABLE',
  S: 'SEQUENCE',
};
/** Least characters of a column, and what it becomes. */
const TEXTS = {
  namespace: { least: 128, type: 'text COLLATE "C"' },
  key: { least: 512, type: 'text COLLATE "C"' },
  value: { least: Infinity, type: 'text' },
} as const;
type TextColumn = keyof typeof TEXTS;
const isText = (name: string): name is TextColumn => Object.hasOwn(TEXTS, name);

/** A character that the encoding of the database lacks. */
const UNTRANSLATABLE = '22P05';

/** Finds what the cache can't work with in `table` of PostgreSQL, quoted. Only reads. */
export function postgresTableFaults(runner: QueryRunner, table: string): Promise<TableFault[]> {
  return withFreeNames(runner, (nameOf) => faultsOf(runner, table, nameOf));
}

async function faultsOf(runner: QueryRunner, table: string, nameOf: NameOf): Promise<TableFault[]> {
  const found = await catalogueOf(runner, table);
  if (found === undefined) return [missing(table)];
  const { kind, persistence } = found;
  const other = OTHER_KINDS[kind];
  const before = nameOf(BEFORE);
  if (kind !== ORDINARY && kind !== PARTITIONED) {
    const shown = (other ?? 'thing').toLowerCase();
    return [
      {
        what: `it is no table but a ${shown} of that name`,
        remedy: `ALTER ${other ?? 'TABLE'} ${table} RENAME TO "${before}";`,
        note: setAsideNote(before, shown),
        isAnother: true,
      },
    ];
  }
  const uniqueKeys = uniqueKeysOf(found.keys ?? [], table);
  const shape = { columns: found.columns.map(shapeOf), uniqueKeys, fillsItself: found.triggered };
  const faults = shapeFaults(shape, mendingOf(table, before));
  if (faults.some(({ isAnother }) => isAnother)) return faults;
  faults.push(...deferredFaults(found.keys ?? [], table));
  if (persistence === 'u')
    faults.push({
      what: 'it is unlogged, and a crash of the server empties it',
      remedy: `ALTER TABLE ${table} SET LOGGED;`,
    });
  const ofTypes = typeFaults(found.columns, table);
  faults.push(...ofTypes);
  // PostgreSQL refuses this query for columns that are not text.
  if (ofTypes.length === 0) faults.push(...(await collationFaults(runner, table)));
  if (!hasUniqueKey(shape))
    faults.push(noUniqueKey(await repeated(runner, table), uniqueKey(found.columns, table)));
  return faults;
}

/** Next to one of these, ON CONFLICT refuses any other key. */
function deferredFaults(keys: readonly CatalogueKey[], table: string): TableFault[] {
  return keys
    .filter(({ deferrable, columns }) => deferrable && columns.toSorted().join() === 'key,namespace')
    .map((key) => ({
      what: `its unique key ${key.name} may wait for the end of a transaction`,
      remedy: removalOf(key, table),
    }));
}

function typeFaults(columns: readonly CatalogueColumn[], table: string): TableFault[] {
  return columns.flatMap(({ name, type, length }): TableFault[] => {
    const alter = (change: string): string => `ALTER TABLE ${table} ${change};`;
    const fault = (better: string, remedy: string): TableFault[] => [
      {
        what: `its column ${name} is of type ${type}${length > 0 ? `(${length})` : ''}, and needs to be ${better}`,
        remedy,
      },
    ];
    if (isText(name)) {
      const { least, type: better } = TEXTS[name];
      if (type === 'text' || (type === 'varchar' && (length < 0 || length >= least))) return [];
      const using = type === 'bytea' ? ` USING convert_from("${name}", 'UTF8')` : '';
      return fault('text', alter(`ALTER COLUMN "${name}" TYPE ${better}${using}`));
    }
    if (name === 'expires_at' && type !== 'int8')
      return fault('bigint', alter(`ALTER COLUMN "${name}" TYPE bigint USING "${name}"::bigint`));
    if (name === 'updated_at' && !type.startsWith('timestamp'))
      return fault(
        'timestamptz',
        `${alter(`RENAME COLUMN "${name}" TO "${name}_before"`)}\n${alter(`ADD COLUMN "${name}" timestamptz(3)`)}`,
      );
    return [];
  });
}

/** Counts how many of the similar texts the columns distinguish: their collation applies to the whole UNION. */
async function collationFaults(runner: QueryRunner, table: string): Promise<TableFault[]> {
  const tellsApart = (column: string): string =>
    `(SELECT COUNT(*) FROM (SELECT "${column}" FROM ${table} WHERE false UNION SELECT unnest($1::text[])) AS "t")`;
  try {
    const [found] = (await runner.query(
      `SELECT ${tellsApart('namespace')} AS "namespace", ${tellsApart('key')} AS "key"`,
      [ALIKE],
    )) as Record<string, string>[];
    return ['namespace', 'key']
      .filter((column) => Number(found?.[column]) !== ALIKE.length)
      .map((column) => ({
        what: `the collation of its column ${column} takes different texts for the same`,
        remedy: `ALTER TABLE ${table} ALTER COLUMN "${column}" TYPE text COLLATE "C";`,
      }));
  } catch (error) {
    if (driverErrorOf(error).sqlState !== UNTRANSLATABLE) throw error;
    return [
      {
        what: "the encoding of its database can't hold every text",
        remedy: `CREATE DATABASE "cache" ENCODING 'UTF8' TEMPLATE template0;`,
        isBeyondAdopting: true,
      },
    ];
  }
}

async function repeated(runner: QueryRunner, table: string): Promise<[string, string][]> {
  const rows = (await runner.query(
    `SELECT "namespace"::text, "key"::text FROM ${table} WHERE "namespace" IS NOT NULL AND "key" IS NOT NULL ` +
      'GROUP BY "namespace", "key" HAVING COUNT(*) > 1 ORDER BY "namespace", "key" LIMIT 3',
  )) as { namespace: string; key: string }[];
  return rows.map(({ namespace, key }) => [namespace, key]);
}

/** Keeps the newest of several rows with one key. */
function uniqueKey(
  columns: readonly CatalogueColumn[],
  table: string,
): { adding: string; merging: string; note: string } {
  const adding = `CREATE UNIQUE INDEX ON ${table} ("namespace", "key");`;
  const hasTimes = columns.some(({ name }) => name === 'updated_at');
  const age = (row: string): string =>
    hasTimes ? `(COALESCE(${row}."updated_at", '-infinity'), ${row}.ctid)` : `${row}.ctid`;
  const merging =
    `DELETE FROM ${table} "older" USING ${table} "newer" WHERE "older"."namespace" = "newer"."namespace" ` +
    `AND "older"."key" = "newer"."key" AND ${age('"older"')} < ${age('"newer"')};\n${adding}`;
  return { adding, merging, note: 'Of several rows of one key it deletes all but the newest.' };
}

function mendingOf(table: string, before: string): Mending {
  const alter = (change: string): string => `ALTER TABLE ${table} ${change};`;
  return {
    setAside: { remedy: alter(`RENAME TO "${before}"`), note: setAsideNote(before) },
    renameColumn: (from, to) => alter(`RENAME COLUMN "${from}" TO "${to}"`),
    addColumn: (name) => alter(`ADD COLUMN "${name}" ${name === 'updated_at' ? 'timestamptz(3)' : 'bigint'}`),
    freeColumn: (name) => alter(`ALTER COLUMN "${name}" DROP NOT NULL`),
    plainColumn: (name) => alter(`ALTER COLUMN "${name}" DROP EXPRESSION`),
  };
}
