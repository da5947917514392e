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

/** The quoted name of the cache's table, in the schema that the connection names. */
export function quotedTable({ driver }: DataSource): string {
  return driver
    .buildTableName('cache_storage', driver.schema)
    .split('.')
    .map((part) => driver.escape(part))
    .join('.');
}

export async function hasIndex(queryRunner: QueryRunner, name: string): Promise<boolean> {
  const table = await queryRunner.getTable('cache_storage');
  return table?.indices.some((index) => index.name === name) ?? false;
}
