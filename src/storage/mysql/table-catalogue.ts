import type { QueryRunner } from 'typeorm';
import { fillingOf, fillingWith } from '../sql/default-value.js';
import type { ColumnShape, Filling } from '../sql/column-shape.js';
import { backQuoted } from '../sql/quoted-name.js';
import type { UniqueKeyShape } from '../sql/unique-keys.js';

export interface CatalogueColumn {
  readonly name: string;
  readonly type: string;
  /** With its length: `varchar(255)`. */
  readonly fullType: string;
  readonly length: number | string | null;
  /** Digits of a second. */
  readonly digits: number | string | null;
  readonly charset: string | null;
  readonly collation: string | null;
  readonly nullable: 'YES' | 'NO';
  readonly fallback: string | null;
  readonly extra: string;
  /** Of the table, as the others below. */
  readonly kind: string;
  readonly engine: string | null;
  readonly transactions: string | null;
  readonly options: string | null;
  /** Of the server. */
  readonly version: string;
}

const COLUMNS = `
  SELECT LOWER(c.COLUMN_NAME) AS \`name\`, c.DATA_TYPE AS \`type\`, c.COLUMN_TYPE AS \`fullType\`,
    c.CHARACTER_MAXIMUM_LENGTH AS \`length\`, c.DATETIME_PRECISION AS \`digits\`, c.CHARACTER_SET_NAME AS \`charset\`,
    c.COLLATION_NAME AS \`collation\`, c.IS_NULLABLE AS \`nullable\`,
    c.COLUMN_DEFAULT AS \`fallback\`, c.EXTRA AS \`extra\`, t.TABLE_TYPE AS \`kind\`,
    t.ENGINE AS \`engine\`, e.TRANSACTIONS AS \`transactions\`, t.CREATE_OPTIONS AS \`options\`, VERSION() AS \`version\`
  FROM information_schema.COLUMNS c
    JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
    LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
  WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME = 'cache_storage'
    AND t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = 'cache_storage' ORDER BY c.ORDINAL_POSITION`;
const UNIQUE_KEYS = `
  SELECT INDEX_NAME AS \`name\`, LOWER(COLUMN_NAME) AS \`column\`, SUB_PART AS \`prefix\` FROM information_schema.STATISTICS
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'cache_storage' AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`;
/** Slow where there are many tables: only for keys that have to go. */
const DEPENDENTS = `
  SELECT TABLE_NAME AS \`table\`, CONSTRAINT_NAME AS \`name\`, UNIQUE_CONSTRAINT_NAME AS \`key\`
  FROM information_schema.REFERENTIAL_CONSTRAINTS
  WHERE CONSTRAINT_SCHEMA = DATABASE() AND UNIQUE_CONSTRAINT_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME = 'cache_storage'`;

/** A foreign key of another table that needs a unique key of the cache's. */
interface Dependent {
  readonly table: string;
  readonly name: string;
  readonly key: string;
}

/** What the catalogue says of each column, in small letters since the server minds none, and of the table; nothing where there is none. */
export async function columnsOf(runner: QueryRunner): Promise<CatalogueColumn[]> {
  return (await runner.query(COLUMNS)) as CatalogueColumn[];
}

export function isComputed({ extra }: CatalogueColumn): boolean {
  // MySQL says DEFAULT_GENERATED of a default that is an expression.
  return /\b(?:VIRTUAL|STORED|PERSISTENT)\b/i.test(extra);
}

export function shapeOf(column: CatalogueColumn): ColumnShape {
  const { name, nullable } = column;
  return { name, isNullable: nullable === 'YES', isGenerated: isComputed(column), filling: filled(column) };
}

/** Whatever it is used for, a sequence gives no value twice, and of these functions that is hoped. */
const ALWAYS_ANOTHER = /^\(?(?:nextval|next value for|uuid|uuid_short|sys_guid|uuid_v[47])\b/i;

function filled({ nullable, fallback, extra, version }: CatalogueColumn): Filling {
  if (/auto_increment/i.test(extra) || ALWAYS_ANOTHER.test(fallback ?? '')) return 'another in each row';
  if (/default_generated/i.test(extra)) return 'unknown';
  // MariaDB gives the default as it is written in SQL, MySQL the value itself.
  if (/mariadb/i.test(version) || fallback === null) return fillingOf(fallback, nullable === 'YES');
  return /^current_timestamp/i.test(fallback) ? 'unknown' : fillingWith(fallback);
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
      isPrimary: name === 'PRIMARY',
      isWhole: true,
      // A key on the first characters can't distinguish texts that begin alike.
      isExact: own.every(({ prefix }) => prefix === null),
      removal: `ALTER TABLE \`cache_storage\` DROP ${name === 'PRIMARY' ? 'PRIMARY KEY' : `KEY ${backQuoted(name)}`};`,
    };
  });
}

/** The keys, removed with the foreign keys of other tables that need them. */
export async function withDependents(
  runner: QueryRunner,
  keys: readonly UniqueKeyShape[],
): Promise<UniqueKeyShape[]> {
  const dependents = (await runner.query(DEPENDENTS)) as Dependent[];
  return keys.map((key) => {
    const foreign = dependents
      .filter((dependent) => dependent.key === key.name)
      .map(({ table, name }) => `ALTER TABLE ${backQuoted(table)} DROP FOREIGN KEY ${backQuoted(name)};`);
    return { ...key, removal: [...foreign, key.removal].join('\n') };
  });
}
