import type { QueryRunner } from 'typeorm';
import { quotedTable } from '../../../migrations/database-family.js';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import { driverErrorOf } from '../driver-error.js';
import { LOCK_TIMEOUT_S } from './lock-timeout.js';

/** A table that the cache reads and writes. */
export interface AskedTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** Those of its primary key. */
  readonly key: readonly string[];
  /** One that is changed. */
  readonly changed: string;
}

const ROWS: AskedTable = {
  name: CACHE_TABLE,
  columns: ['namespace', 'key', 'value', 'expires_at', 'updated_at', 'version'],
  key: ['namespace', 'key'],
  changed: 'value',
};

/** How little a statement waits for those who have locked the table, and what it says then. */
interface LockBound {
  readonly begin: readonly string[];
  readonly end: string;
  readonly code: string;
}

const ON_POSTGRES: LockBound = {
  begin: ['BEGIN', "SET LOCAL lock_timeout = '100ms'"],
  end: 'ROLLBACK',
  code: '55P03',
};
const ON_MYSQL: LockBound = {
  // Whole seconds.
  begin: ['SET SESSION lock_wait_timeout = 1'],
  end: `SET SESSION lock_wait_timeout = ${LOCK_TIMEOUT_S}`,
  code: 'ER_LOCK_WAIT_TIMEOUT',
};

/** MariaDB says so, after it has looked at the rights, of a column that a trigger fills in: it heeds that for VALUES alone. */
const UNFILLED = 'ER_NO_DEFAULT_FOR_FIELD';

/**
 * Rejects where the user of the connection may not read and write the table, or the server takes no writes: with statements
 * that touch no row. Otherwise the application would start, and every write of it fail. A table that others have locked, for
 * a backup say, is not waited for: rights are not what is in the way there.
 */
export function assertRights(runner: QueryRunner): Promise<void> {
  return assertRightsOn(runner, [ROWS]);
}

/** The same for other tables of the cache. */
export async function assertRightsOn(runner: QueryRunner, tables: readonly AskedTable[]): Promise<void> {
  const { options } = runner.connection;
  const { begin, end, code } = options.type === 'postgres' ? ON_POSTGRES : ON_MYSQL;
  for (const sql of begin) await runner.query(sql);
  try {
    for (const sql of tables.flatMap((table) => statements(runner, table))) await ask(runner, sql);
  } catch (error) {
    if (driverErrorOf(error).code !== code) throw error;
  } finally {
    await runner.query(end);
  }
}

async function ask(runner: QueryRunner, sql: string): Promise<void> {
  try {
    await runner.query(sql);
  } catch (error) {
    if (driverErrorOf(error).code !== UNFILLED) throw error;
  }
}

function statements({ connection }: QueryRunner, { name, columns, key, changed }: AskedTable): string[] {
  const escape = (column: string): string => connection.driver.escape(column);
  const table = quotedTable(connection, name);
  const all = columns.map(escape).join(', ');
  // By the key: with sql_safe_updates MySQL and MariaDB refuse a change of a table that names none. The text is a number, too.
  const none = `${key.map((column) => `${escape(column)} = '0'`).join(' AND ')} AND 1 = 0`;
  return [
    `INSERT INTO ${table} (${all}) SELECT ${all} FROM ${table} WHERE 1 = 0`,
    `UPDATE ${table} SET ${escape(changed)} = ${escape(changed)} WHERE ${none}`,
    `DELETE FROM ${table} WHERE ${none}`,
  ];
}
