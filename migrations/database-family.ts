import type { DataSource, QueryRunner } from 'typeorm';

/** Databases that understand the same statements about tables; `other` for those that TypeORM's own words have to do for. */
export type DatabaseFamily = 'sqlite' | 'postgres' | 'mysql' | 'other';

const FAMILIES: Readonly<Record<string, DatabaseFamily>> = {
  sqlite: 'sqlite',
  'better-sqlite3': 'sqlite',
  sqljs: 'sqlite',
  postgres: 'postgres',
  'aurora-postgres': 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
  'aurora-mysql': 'mysql',
};

export function familyOf(queryRunner: QueryRunner): DatabaseFamily {
  return FAMILIES[queryRunner.connection.options.type] ?? 'other';
}

/** The quoted name of a table of the cache's, by default of that of the rows, in the schema that the connection names. */
export function quotedTable({ driver }: DataSource, name = 'cache_storage'): string {
  return driver
    .buildTableName(name, driver.schema)
    .split('.')
    .map((part) => driver.escape(part))
    .join('.');
}

/** Whether the cache's table is there. SQLite takes `CACHE_STORAGE` for the same, and TypeORM asks it for exact characters. */
export async function hasCacheTable(queryRunner: QueryRunner): Promise<boolean> {
  if (familyOf(queryRunner) !== 'sqlite') return queryRunner.hasTable('cache_storage');
  const found = (await queryRunner.query(
    "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'cache_storage' COLLATE NOCASE",
  )) as unknown[];
  return found.length > 0;
}

/** Whether the table has the column. SQLite takes `EXPIRES_AT` for the same, and TypeORM asks it for exact characters. */
export async function hasColumn(queryRunner: QueryRunner, name: string): Promise<boolean> {
  if (familyOf(queryRunner) !== 'sqlite') return queryRunner.hasColumn('cache_storage', name);
  const found = (await queryRunner.query(
    "SELECT 1 FROM pragma_table_xinfo('cache_storage') WHERE name = ? COLLATE NOCASE",
    [name],
  )) as unknown[];
  return found.length > 0;
}

/** Whether the table is one of SQLite's that take the names of a few types only. */
export async function isStrict(queryRunner: QueryRunner): Promise<boolean> {
  const found = (await queryRunner.query(
    "SELECT strict FROM pragma_table_list('cache_storage') WHERE schema = 'main' AND strict = 1",
  )) as unknown[];
  return found.length > 0;
}

/** Whether two rows have the same namespace and key. */
export async function repeatsKeys(queryRunner: QueryRunner): Promise<boolean> {
  const { connection } = queryRunner;
  const [namespace, key] = ['namespace', 'key'].map((name) => connection.driver.escape(name));
  const found = (await queryRunner.query(
    `SELECT 1 FROM ${quotedTable(connection)} WHERE ${namespace} IS NOT NULL AND ${key} IS NOT NULL ` +
      `GROUP BY ${namespace}, ${key} HAVING COUNT(*) > 1 LIMIT 1`,
  )) as unknown[];
  return found.length > 0;
}
