import type { QueryRunner } from 'typeorm';
import { familyOf, quotedTable } from './database-family.js';

/** The name of the unique key of a table that had none. */
export const UNIQUE_KEY = 'idx_cache_namespace_key';

interface Index {
  readonly name: string;
  /** Whether it holds for every row at once, and for the whole of each column. Drivers give a truth in several ways. */
  readonly unique: boolean | number | string;
  readonly columns: string;
}

/** From the catalogues: TypeORM reads a table with computed columns only where it made them. */
const INDEXES = {
  sqlite: `
    SELECT l.name, l."unique" = 1 AND l.partial = 0 AS "unique", group_concat(i.name) AS columns
    FROM pragma_index_list('cache_storage') l, pragma_index_info(l.name) i GROUP BY l.name`,
  postgres: `
    SELECT c.relname AS "name", x.indisunique AND x.indisvalid AND x.indimmediate AND x.indpred IS NULL AND x.indexprs IS NULL
      AS "unique", (SELECT string_agg(a.attname, ',') FROM pg_attribute a
        WHERE a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey)) AS "columns"
    FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid WHERE x.indrelid = to_regclass($1)`,
  mysql: `
    SELECT INDEX_NAME AS \`name\`, MAX(NON_UNIQUE) = 0 AND MAX(SUB_PART IS NOT NULL) = 0 AS \`unique\`,
      GROUP_CONCAT(LOWER(COLUMN_NAME)) AS \`columns\`
    FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'cache_storage'
    GROUP BY INDEX_NAME`,
};

async function indexesOf(queryRunner: QueryRunner): Promise<Index[]> {
  const family = familyOf(queryRunner);
  if (family !== 'other') {
    const parameters = family === 'postgres' ? [quotedTable(queryRunner.connection)] : [];
    return (await queryRunner.query(INDEXES[family], parameters)) as Index[];
  }
  const table = await queryRunner.getTable('cache_storage');
  const indices = table?.indices ?? [];
  return indices.map(({ name = '', isUnique, columnNames }) => ({
    name,
    unique: isUnique,
    columns: columnNames.join(','),
  }));
}

/** The name of the table's index that is named so, or so with a number behind it: another table's may have the name. */
export async function indexNamed(queryRunner: QueryRunner, name: string): Promise<string | undefined> {
  const names = (await indexesOf(queryRunner)).map((index) => index.name);
  const isNumbered = (other: string): boolean =>
    other.startsWith(`${name}_`) && /^\d+$/.test(other.slice(name.length + 1));
  return names.find((other) => other === name) ?? names.find(isNumbered);
}

/** Whether the table has a unique key on namespace and key, and on nothing else. */
export async function hasUniqueKey(queryRunner: QueryRunner): Promise<boolean> {
  return (await indexesOf(queryRunner)).some(
    ({ unique, columns }) =>
      (unique === true || Number(unique) === 1) && columns.split(',').sort().join() === 'key,namespace',
  );
}

export async function dropIndex(queryRunner: QueryRunner, name: string): Promise<void> {
  const { connection } = queryRunner;
  const table = quotedTable(connection);
  const quoted = connection.driver.escape(name);
  const family = familyOf(queryRunner);
  if (family === 'other') await queryRunner.dropIndex('cache_storage', name);
  else if (family === 'mysql') await queryRunner.query(`DROP INDEX ${quoted} ON ${table}`);
  // It is in the schema of its table.
  else await queryRunner.query(`DROP INDEX ${table.replace(/"[^"]*"$/, quoted)}`);
}
