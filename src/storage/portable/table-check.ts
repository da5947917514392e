import type { QueryRunner, Table } from 'typeorm';
import { compareStored } from '../../core/keys/key-order.js';
import { EVERY_KEY } from '../../core/keys/key-range.js';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import { driverErrorOf } from '../driver-error.js';
import { ALIKE } from '../sql/alike.js';
import { fillingOf } from '../sql/default-value.js';
import type { Dialect } from '../sql/dialect.js';
import { BEFORE, UNIQUE_KEY, withFreeNames, type NameOf } from '../sql/free-names.js';
import { setAsideNote } from '../sql/set-aside.js';
import {
  hasUniqueKey,
  noUniqueKey,
  shapeFaults,
  type Mending,
  type TableFault,
  type TableShape,
  type UniqueKeyShape,
} from '../sql/table-shape.js';

type ProbedDialect = Pick<Dialect, 'statements' | 'read' | 'load' | 'clear' | 'refusesData'>;

const PROBE_NAMESPACE = '(probe of the cache)';
const UNIQUE_VIOLATION = '23505';
/** Texts that a column of a non-text type would rewrite. */
const VALUES = ['1.0', '{ "b":1, "a":1e2 }', '"\u00e9"', 'no JSON ', '"2026-01-02"'];

/**
 * Finds what the cache can't work with in a table of any database: by what TypeORM knows of it and, since its types and
 * collations are unknown, by test rows that are written and rolled back.
 */
export function portableTableFaults(runner: QueryRunner, dialect: ProbedDialect): Promise<TableFault[]> {
  return withFreeNames(runner, (nameOf) => faultsOf(runner, dialect, nameOf));
}

async function faultsOf(runner: QueryRunner, dialect: ProbedDialect, nameOf: NameOf): Promise<TableFault[]> {
  const table = await runner.getTable(CACHE_TABLE);
  if (table === undefined)
    return [{ what: 'it is missing', isBeyondAdopting: true, remedy: 'DELETE FROM cache_migrations;' }];
  const quoted = (name: string): string => runner.connection.driver.escape(name);
  const shape = shapeOf(table, quoted);
  const faults = shapeFaults(shape, mendingOf(quoted, nameOf(BEFORE)));
  if (!hasUniqueKey(shape)) {
    const adding = `CREATE UNIQUE INDEX ${quoted(nameOf(UNIQUE_KEY))} ON ${quoted(CACHE_TABLE)} (${quoted('namespace')}, ${quoted('key')});`;
    faults.push(noUniqueKey([], { adding, merging: adding }));
  }
  // No row can be written to a table that lacks a column, or needs another.
  if (faults.length === 0) faults.push(...(await probe(runner, dialect, quoted(CACHE_TABLE))));
  return faults;
}

function shapeOf(table: Table, quoted: (name: string) => string): TableShape {
  const key = (name: string | undefined, columns: readonly string[]): UniqueKeyShape => ({
    name: name ?? 'the primary key',
    columns,
    isWhole: true,
    isExact: true,
    removal: `DROP INDEX ${quoted(name ?? 'PRIMARY')};`,
  });
  return {
    columns: table.columns.map((column) => ({
      name: column.name,
      isNullable: column.isNullable,
      isGenerated: column.generatedType !== undefined || (column.asExpression ?? '') !== '',
      filling: column.isGenerated ? 'unknown' : fillingOf(defaultOf(column), column.isNullable),
    })),
    uniqueKeys: [
      key(
        undefined,
        table.primaryColumns.map(({ name }) => name),
      ),
      ...table.uniques.map(({ name, columnNames }) => key(name, columnNames)),
      ...table.indices
        .filter((index) => index.isUnique)
        .map(({ name, columnNames }) => key(name, columnNames)),
    ].filter(({ columns }) => columns.length > 0),
  };
}

/** TypeORM gives it in SQL, or as a value. */
function defaultOf({ default: fallback }: { readonly default?: unknown }): string | null {
  return fallback === undefined || fallback === null
    ? null
    : typeof fallback === 'string'
      ? fallback
      : JSON.stringify(fallback);
}

async function probe(runner: QueryRunner, dialect: ProbedDialect, table: string): Promise<TableFault[]> {
  await runner.startTransaction();
  let isExact = false;
  try {
    isExact = await bringsBack(runner, dialect);
  } finally {
    await runner.rollbackTransaction();
  }
  if (!isExact)
    return [
      {
        what: 'it does not compare and sort keys by exact characters, or does not give texts back as they were',
        remedy: `ALTER TABLE ${table} …, with a binary collation for namespace and key, and types that hold any text of Unicode;`,
      },
    ];
  if ((await dialect.read(runner, PROBE_NAMESPACE, ALIKE)).length === 0) return [];
  const { sql, parameters } = dialect.clear(PROBE_NAMESPACE);
  await runner.query(sql, parameters);
  return [
    {
      what: 'it keeps what is rolled back',
      remedy: `ALTER TABLE ${table} …, with an engine that knows transactions;`,
    },
  ];
}

async function bringsBack(runner: QueryRunner, dialect: ProbedDialect): Promise<boolean> {
  const puts = ALIKE.map((key, i) => ({ key, value: VALUES[i % VALUES.length] as string, expiresAt: null }));
  const batch = [{ namespace: PROBE_NAMESPACE, puts, deletes: [] }];
  try {
    for (const { sql, parameters } of dialect.statements(batch, Date.now()))
      await runner.query(sql, parameters);
    for (const { key, value } of puts) {
      const found = await dialect.read(runner, PROBE_NAMESPACE, [key]);
      if (found.length !== 1 || found[0]?.key !== key || found[0].value !== value) return false;
    }
    const page = { after: undefined, limit: ALIKE.length, now: 0, range: EVERY_KEY };
    const { rows } = await dialect.load(runner, PROBE_NAMESPACE, page);
    return rows.map(({ key }) => key).join() === ALIKE.toSorted(compareStored).join();
  } catch (error) {
    // It can't distinguish two of them, or can't hold one.
    const driverError = driverErrorOf(error);
    if (driverError.sqlState === UNIQUE_VIOLATION || dialect.refusesData(driverError)) return false;
    throw error;
  }
}

function mendingOf(quoted: (name: string) => string, before: string): Mending {
  const table = quoted(CACHE_TABLE);
  const alter = (change: string): string => `ALTER TABLE ${table} ${change};`;
  return {
    setAside: { remedy: alter(`RENAME TO ${quoted(before)}`), note: setAsideNote(before) },
    renameColumn: (from, to) => alter(`RENAME COLUMN ${quoted(from)} TO ${quoted(to)}`),
    addColumn: (name) => alter(`ADD ${quoted(name)} ${name === 'updated_at' ? 'TIMESTAMP' : 'BIGINT'} NULL`),
    freeColumn: (name) => alter(`ALTER COLUMN ${quoted(name)} DROP NOT NULL`),
    plainColumn: (name) => alter(`DROP COLUMN ${quoted(name)}`),
  };
}
