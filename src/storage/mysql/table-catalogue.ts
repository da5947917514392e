import type { QueryRunner } from 'typeorm';
import { fillingOf } from '../sql/default-value.js';
import type { ColumnShape, Filling, UniqueKeyShape } from '../sql/table-shape.js';

export interface CatalogueColumn {
  readonly name: string;
  readonly type: string;
  /** With its length: `varchar(255)`. */
  readonly fullType: string;
  readonly length: number | string | null;
  readonly charset: string | null;
  readonly collation: string | null;
  readonly nullable: 'YES' | 'NO';
  readonly fallback: string | null;
  readonly extra: string;
  readonly kind: string;
  readonly engine: string | null;
  readonly transactions: string | null;
  /** Of the server. */
  readonly version: string;
}

const COLUMNS = `
  SELECT LOWER(c.COLUMN_NAME) AS \`name\`, c.DATA_TYPE AS \`type\`, c.COLUMN_TYPE AS \`fullType\`,
    c.CHARACTER_MAXIMUM_LENGTH AS \`length\`, c.CHARACTER_SET_NAME AS \`charset\`, c.COLLATION_NAME AS \`collation\`, c.IS_NULLABLE AS \`nullable\`,
    c.COLUMN_DEFAULT AS \`fallback\`, c.EXTRA AS \`extra\`, t.TABLE_TYPE AS \`kind\`,
    t.ENGINE AS \`engine\`, e.TRANSACTIONS AS \`transactions\`, VERSION() AS \`version\`
  FROM information_schema.COLUMNS c
    JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
    LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
  WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME = 'cache_storage'
    AND t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = 'cache_storage' ORDER BY c.ORDINAL_POSITION`;
const UNIQUE_KEYS = `
  SELECT INDEX_NAME AS \`name\`, LOWER(COLUMN_NAME) AS \`column\`, SUB_PART AS \`prefix\` FROM information_schema.STATISTICS
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'cache_storage' AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`;
const TRIGGERS = `
  SELECT 1 FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = 'cache_storage'
    AND ACTION_TIMING = 'BEFORE' AND EVENT_MANIPULATION = 'INSERT' LIMIT 1`;

/** What the catalogue says of each column, in small letters since the server minds none, and of the table; nothing where there is none. */
export async function columnsOf(runner: QueryRunner): Promise<CatalogueColumn[]> {
  return (await runner.query(COLUMNS)) as CatalogueColumn[];
}

export function shapeOf(column: CatalogueColumn): ColumnShape {
  const { name, nullable, extra } = column;
  return {
    name,
    isNullable: nullable === 'YES',
    // MySQL says DEFAULT_GENERATED of a default that is an expression.
    isGenerated: /\b(?:VIRTUAL|STORED|PERSISTENT)\b/i.test(extra),
    filling: filled(column),
  };
}

function filled({ nullable, fallback, extra, version }: CatalogueColumn): Filling {
  if (/auto_increment|default_generated/i.test(extra)) return 'unknown';
  // MariaDB gives the default as it is written in SQL, MySQL the value itself.
  if (/mariadb/i.test(version) || fallback === null) return fillingOf(fallback, nullable === 'YES');
  return /^current_timestamp/i.test(fallback) ? 'unknown' : 'the same in each row';
}

/** Whether a trigger sees each row before it is checked. A user without that right sees none. */
export async function isTriggered(runner: QueryRunner): Promise<boolean> {
  return ((await runner.query(TRIGGERS)) as unknown[]).length > 0;
}

export async function uniqueKeysOf(runner: QueryRunner): Promise<UniqueKeyShape[]> {
  const parts = (await runner.query(UNIQUE_KEYS)) as {
    name: string;
    column: string | null;
    prefix: number | string | null;
  }[];
  return [...new Set(parts.map(({ name }) => name))].map((name) => {
    const own = parts.filter((part) => part.name === name);
    return {
      name,
      columns: own.map(({ column }) => column ?? ''),
      isWhole: true,
      // A key on the first characters can't distinguish texts that begin alike.
      isExact: own.every(({ prefix }) => prefix === null),
      removal: `ALTER TABLE \`cache_storage\` DROP ${name === 'PRIMARY' ? 'PRIMARY KEY' : `KEY \`${name}\``};`,
    };
  });
}
