import type { QueryRunner, Table } from 'typeorm';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import { fillingOf } from '../sql/default-value.js';
import type { Dialect, TableState } from '../sql/dialect.js';
import { secondsFaults } from '../sql/expiry-faults.js';
import { BEFORE, UNIQUE_KEY, withFreeNames, type NameOf } from '../sql/free-names.js';
import { setAsideNote } from '../sql/set-aside.js';
import type { TableFault } from '../sql/table-fault.js';
import { clearProbe, leavesProbe, probeTable, type ProbedDialect } from '../sql/table-probe.js';
import { shapeFaults, type Mending, type TableShape } from '../sql/table-shape.js';
import { hasUniqueKey, noUniqueKey, type UniqueKeyShape } from '../sql/unique-keys.js';

export interface PortableTable {
  readonly runner: QueryRunner;
  readonly dialect: ProbedDialect & Pick<Dialect, 'refusesData'>;
  readonly state: TableState;
}

const UNIQUE_VIOLATION = '23505';
const ADDED = {
  updated_at: 'TIMESTAMP NULL',
  expires_at: 'BIGINT NULL',
  version: 'BIGINT DEFAULT 0 NOT NULL',
} as const;
/** Texts that a column of a non-text type would rewrite. */
const VALUES = ['1.0', '{ "b":1, "a":1e2 }', '"\u00e9"', 'no JSON ', '"2026-01-02"'];

/**
 * Finds what the cache can't work with in a table of any database: by what TypeORM knows of it and, since its types and
 * collations are unknown, by test rows that are written and rolled back.
 */
export function portableTableFaults(table: PortableTable): Promise<TableFault[]> {
  return withFreeNames(table.runner, (nameOf) => faultsOf(table, nameOf));
}

async function faultsOf({ runner, dialect, state }: PortableTable, nameOf: NameOf): Promise<TableFault[]> {
  const table = await runner.getTable(CACHE_TABLE);
  if (table === undefined)
    return [{ what: 'it is missing', isBeyondAdopting: true, remedy: 'DELETE FROM cache_migrations;' }];
  const quoted = (name: string): string => runner.connection.driver.escape(name);
  const shape = shapeOf(table, quoted);
  const faults = shapeFaults(shape, mendingOf(quoted, nameOf(BEFORE)));
  if (!hasUniqueKey(shape.uniqueKeys)) {
    const adding = `CREATE UNIQUE INDEX ${quoted(nameOf(UNIQUE_KEY))} ON ${quoted(CACHE_TABLE)} (${quoted('namespace')}, ${quoted('key')});`;
    faults.push(noUniqueKey([], { adding, merging: adding }));
  }
  if (state !== 'migrated' && shape.columns.some(({ name }) => name === 'expires_at'))
    faults.push(...(await secondsFaults(runner, quoted(CACHE_TABLE), quoted('expires_at'))));
  // No row can be written to a table that lacks a column, or needs another.
  if (faults.length === 0 && state !== 'unmigrated')
    faults.push(...(await probe(runner, dialect, quoted(CACHE_TABLE))));
  return faults;
}

function shapeOf(table: Table, quoted: (name: string) => string): TableShape {
  const key = (name: string | undefined, columns: readonly string[]): UniqueKeyShape => ({
    name: name ?? 'the primary key',
    columns,
    isPrimary: name === undefined,
    isWhole: true,
    isExact: true,
    removal: `DROP INDEX ${quoted(name ?? 'PRIMARY')};`,
  });
  return {
    columns: table.columns.map((column) => ({
      name: column.name,
      isNullable: column.isNullable,
      isGenerated: column.generatedType !== undefined || (column.asExpression ?? '') !== '',
      filling: column.isGenerated ? 'another in each row' : fillingOf(defaultOf(column), column.isNullable),
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

async function probe(
  runner: QueryRunner,
  dialect: PortableTable['dialect'],
  table: string,
): Promise<TableFault[]> {
  const outcome = await probeTable(runner, dialect, {
    values: VALUES,
    keepsTimes: false,
    asksForOrder: true,
    // It takes two of them for the same, or can't hold one.
    isRefusal: (error) => error.sqlState === UNIQUE_VIOLATION || dialect.refusesData(error),
    begin: async () => {
      await runner.startTransaction();
      return () => runner.rollbackTransaction();
    },
  });
  if (await leavesProbe(runner, dialect)) {
    await clearProbe(runner, dialect);
    return [
      {
        what: 'it keeps what is rolled back',
        remedy: `ALTER TABLE ${table} …, with an engine that knows transactions;`,
      },
    ];
  }
  if (outcome === 'kept') return [];
  return [
    {
      what: 'it does not compare and sort keys by exact characters, does not give texts back as they were, or has triggers that change rows',
      remedy: `ALTER TABLE ${table} …, with a binary collation for namespace and key, and types that hold any text of Unicode;`,
      isBeyondAdopting: true,
    },
  ];
}

function mendingOf(quoted: (name: string) => string, before: string): Mending {
  const table = quoted(CACHE_TABLE);
  const alter = (change: string): string => `ALTER TABLE ${table} ${change};`;
  return {
    setAside: { remedy: alter(`RENAME TO ${quoted(before)}`), note: setAsideNote(before) },
    renameColumn: (from, to) => alter(`RENAME COLUMN ${quoted(from)} TO ${quoted(to)}`),
    addColumn: (name) => alter(`ADD ${quoted(name)} ${ADDED[name]}`),
    zeroColumn: (name) =>
      [
        `UPDATE ${table} SET ${quoted(name)} = 0 WHERE ${quoted(name)} IS NULL;`,
        alter(`ALTER COLUMN ${quoted(name)} SET DEFAULT 0`),
        alter(`ALTER COLUMN ${quoted(name)} SET NOT NULL`),
      ].join('\n'),
    freeColumn: (name) => alter(`ALTER COLUMN ${quoted(name)} DROP NOT NULL`),
    plainColumn: (name) => alter(`DROP COLUMN ${quoted(name)}`),
  };
}
