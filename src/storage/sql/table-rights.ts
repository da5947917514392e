import type { QueryRunner } from 'typeorm';
import { quotedTable } from '../../../migrations/database-family.js';
import { driverErrorOf } from '../driver-error.js';
import { LOCK_TIMEOUT_S } from './lock-timeout.js';

const COLUMNS = ['namespace', 'key', 'value', 'expires_at', 'updated_at', 'version'];

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
export async function assertRights(runner: QueryRunner): Promise<void> {
  const { options } = runner.connection;
  const { begin, end, code } = options.type === 'postgres' ? ON_POSTGRES : ON_MYSQL;
  for (const sql of begin) await runner.query(sql);
  try {
    for (const sql of statements(runner)) await ask(runner, sql);
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

function statements({ connection }: QueryRunner): string[] {
  const table = quotedTable(connection);
  const columns = COLUMNS.map((name) => connection.driver.escape(name)).join(', ');
  const [namespace, key, value] = ['namespace', 'key', 'value'].map((name) => connection.driver.escape(name));
  // By the key: with sql_safe_updates MySQL and MariaDB refuse a change of a table that names none.
  const none = `${namespace} = '' AND ${key} = '' AND 1 = 0`;
  return [
    `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM ${table} WHERE 1 = 0`,
    `UPDATE ${table} SET ${value} = ${value} WHERE ${none}`,
    `DELETE FROM ${table} WHERE ${none}`,
  ];
}
