import type { QueryRunner } from 'typeorm';
import { quotedTable } from '../../../migrations/database-family.js';

const COLUMNS = ['namespace', 'key', 'value', 'expires_at', 'updated_at'];

/**
 * Rejects where the user of the connection may not read and write the table, or the server takes no writes: with statements
 * that touch no row. Otherwise the application would start, and every write of it fail.
 */
export async function assertRights(runner: QueryRunner): Promise<void> {
  const { driver } = runner.connection;
  const table = quotedTable(runner.connection);
  const columns = COLUMNS.map((name) => driver.escape(name)).join(', ');
  const value = driver.escape('value');
  await runner.query(`INSERT INTO ${table} (${columns}) SELECT ${columns} FROM ${table} WHERE 1 = 0`);
  await runner.query(`UPDATE ${table} SET ${value} = ${value} WHERE 1 = 0`);
  await runner.query(`DELETE FROM ${table} WHERE 1 = 0`);
}
