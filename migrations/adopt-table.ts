import type { QueryRunner } from 'typeorm';
import { adoptOnMysql } from './adopt-on-mysql.js';
import { adoptOnPostgres } from './adopt-on-postgres.js';
import { familyOf, hasColumn, isStrict, repeatsKeys, type DatabaseFamily } from './database-family.js';
import { freeName } from './free-name.js';
import { hasUniqueKey, UNIQUE_KEY } from './indexes.js';

/**
 * Makes a table that is already there the cache's own, as far as that changes no row. What it can't mend it leaves as it
 * is: each start looks at the table, and refuses one that it can't work with.
 */
export async function adoptTable(queryRunner: QueryRunner): Promise<void> {
  await ADOPT[familyOf(queryRunner)]?.(queryRunner);
}

const ADOPT: Readonly<Record<DatabaseFamily, ((queryRunner: QueryRunner) => Promise<void>) | undefined>> = {
  sqlite: adoptOnSqlite,
  postgres: adoptOnPostgres,
  mysql: adoptOnMysql,
  other: undefined,
};

async function adoptOnSqlite(queryRunner: QueryRunner): Promise<void> {
  if (!(await hasColumn(queryRunner, 'updated_at'))) {
    const type = (await isStrict(queryRunner)) ? 'TEXT' : 'TIMESTAMP';
    // With a default, SQLite would add it to an empty table only.
    await queryRunner.query(`ALTER TABLE "cache_storage" ADD COLUMN "updated_at" ${type}`);
  }
  if ((await hasUniqueKey(queryRunner)) || (await repeatsKeys(queryRunner))) return;
  const name = await freeName(queryRunner, UNIQUE_KEY);
  await queryRunner.query(`CREATE UNIQUE INDEX "${name}" ON "cache_storage" ("namespace", "key")`);
}
