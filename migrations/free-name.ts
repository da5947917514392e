import type { QueryRunner } from 'typeorm';
import { familyOf, quotedTable } from './database-family.js';

/** `name` for a new table or index, or with a number behind it where another has the name. Asks only. */
export async function freeName(queryRunner: QueryRunner, name: string): Promise<string> {
  let candidate = name;
  for (let number = 2; await isTaken(queryRunner, candidate); number += 1) candidate = `${name}_${number}`;
  return candidate;
}

/**
 * Whether something has the name, in the schema of the cache's table: on SQLite and PostgreSQL indexes have their names in
 * common with tables, whichever table they are on.
 */
export async function isTaken(queryRunner: QueryRunner, name: string): Promise<boolean> {
  const { connection } = queryRunner;
  const family = familyOf(queryRunner);
  if (family === 'other') return queryRunner.hasTable(name);
  if (family === 'postgres') {
    const sql = 'SELECT to_regclass($1) IS NOT NULL AS "taken"';
    const [found] = (await queryRunner.query(sql, [quotedTable(connection, name)])) as { taken: boolean }[];
    return found?.taken === true;
  }
  const taken =
    family === 'sqlite'
      ? 'SELECT 1 FROM sqlite_schema WHERE name = ? COLLATE NOCASE'
      : 'SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?';
  return ((await queryRunner.query(taken, [name])) as unknown[]).length > 0;
}
