import type { QueryRunner } from 'typeorm';
import { familyOf, isStrict, quotedTable, repeatsKeys, type DatabaseFamily } from './database-family.js';
import { freeName } from './free-name.js';
import { hasUniqueKey } from './indexes.js';

const UNIQUE_KEY = 'idx_cache_namespace_key';

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
  if (!(await queryRunner.hasColumn('cache_storage', 'updated_at'))) {
    const type = (await isStrict(queryRunner)) ? 'TEXT' : 'TIMESTAMP';
    // With a default, SQLite would add it to an empty table only.
    await queryRunner.query(`ALTER TABLE "cache_storage" ADD COLUMN "updated_at" ${type}`);
  }
  if ((await hasUniqueKey(queryRunner)) || (await repeatsKeys(queryRunner))) return;
  const name = await freeName(queryRunner, UNIQUE_KEY);
  await queryRunner.query(`CREATE UNIQUE INDEX "${name}" ON "cache_storage" ("namespace", "key")`);
}

interface PostgresColumn {
  readonly name: string;
  readonly type: string;
  readonly collation: string | null;
  /** Of the table. */
  readonly kind: string;
  readonly persistence: string;
}

/** PostgreSQL makes of most types the text that it shows; of bytes that would be their hexadecimal digits. */
const BYTES = 'bytea';
const TIMES = new Set(['timestamp', 'timestamptz', 'date']);

async function adoptOnPostgres(queryRunner: QueryRunner): Promise<void> {
  const table = quotedTable(queryRunner.connection);
  const columns = (await queryRunner.query(
    `SELECT a.attname AS "name", t.typname AS "type", o.collname AS "collation", c.relkind AS "kind", c.relpersistence AS "persistence"
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_class c ON c.oid = a.attrelid
       LEFT JOIN pg_collation o ON o.oid = a.attcollation
     WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped`,
    [table],
  )) as PostgresColumn[];
  const find = (name: string): PostgresColumn | undefined => columns.find((column) => column.name === name);
  const changes = toTexts(columns);
  const updatedAt = find('updated_at')?.type;
  // A time without a zone was written in the session's zone, which is the one that this conversion assumes.
  if (updatedAt === undefined) changes.push('ADD COLUMN "updated_at" timestamptz(3)');
  else if (TIMES.has(updatedAt)) changes.push('ALTER COLUMN "updated_at" TYPE timestamptz(3)');
  if (changes.length > 0) await queryRunner.query(`ALTER TABLE ${table} ${changes.join(', ')}`);
  // Not with the column: then the rows that are there would say that they were written now.
  if (updatedAt === undefined)
    await queryRunner.query(`ALTER TABLE ${table} ALTER COLUMN "updated_at" SET DEFAULT CURRENT_TIMESTAMP`);
  // A crash of the server empties an unlogged table.
  if (columns.some(({ persistence }) => persistence === 'u'))
    await queryRunner.query(`ALTER TABLE ${table} SET LOGGED`);
  if (!(await hasUniqueKey(queryRunner)) && !(await repeatsKeys(queryRunner)))
    await queryRunner.query(
      `CREATE UNIQUE INDEX "${await freeName(queryRunner, UNIQUE_KEY)}" ON ${table} ("namespace", "key")`,
    );
}

/** Only what has to be changed: PostgreSQL refuses it for a column that a view, a computed column or a partition builds on. */
function toTexts(columns: readonly PostgresColumn[]): string[] {
  return columns.flatMap(({ name, type, collation, kind }) => {
    if (type === BYTES) return [];
    if (name === 'value') return type === 'text' ? [] : ['ALTER COLUMN "value" TYPE text'];
    const isKey = name === 'namespace' || name === 'key';
    if (!isKey || (type === 'text' && (collation === 'C' || kind === 'p'))) return [];
    return [`ALTER COLUMN "${name}" TYPE text COLLATE "C"`];
  });
}

interface MysqlColumn {
  readonly name: string;
  readonly type: string;
  readonly length: number | string | null;
  readonly nullable: 'YES' | 'NO';
}

/** What MySQL fills up with blanks or zeros is left alone, and so is what it would have to take for characters. */
const BYTES_OF_MYSQL = /^(?:binary|varbinary|\w*blob|bit|geometry)$/;
const LONGEST = { namespace: 128, key: 512 } as const;

async function adoptOnMysql(queryRunner: QueryRunner): Promise<void> {
  const columns = (await queryRunner.query(
    'SELECT LOWER(COLUMN_NAME) AS `name`, DATA_TYPE AS `type`, CHARACTER_MAXIMUM_LENGTH AS `length`, IS_NULLABLE AS `nullable` ' +
      "FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'cache_storage'",
  )) as MysqlColumn[];
  const find = (name: string): MysqlColumn | undefined => columns.find((column) => column.name === name);
  await ontoTransactions(queryRunner);
  for (const name of ['namespace', 'key'] as const) await toBytes(queryRunner, name, find(name));
  if (find('updated_at') === undefined)
    await queryRunner.query('ALTER TABLE `cache_storage` ADD COLUMN `updated_at` DATETIME(3) NULL');
  const value = find('value');
  const changes: string[] = [];
  if (value !== undefined && !BYTES_OF_MYSQL.test(value.type))
    changes.push(`MODIFY \`value\` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ${nullability(value)}`);
  if (/^(?:datetime|timestamp|date)$/.test(find('updated_at')?.type ?? 'datetime'))
    changes.push('MODIFY `updated_at` DATETIME(3) NULL DEFAULT (UTC_TIMESTAMP(3))');
  await inUtc(queryRunner, changes);
  if (!(await hasUniqueKey(queryRunner)) && !(await repeatsKeys(queryRunner)))
    await queryRunner.query(
      `ALTER TABLE \`cache_storage\` ADD UNIQUE KEY \`${UNIQUE_KEY}\` (\`namespace\`, \`key\`)`,
    );
}

/** MyISAM, Aria and MEMORY neither roll back nor keep what a crash of the server interrupts. */
async function ontoTransactions(queryRunner: QueryRunner): Promise<void> {
  const engines = (await queryRunner.query(
    'SELECT 1 FROM information_schema.TABLES t JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE ' +
      "WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = 'cache_storage' AND COALESCE(e.TRANSACTIONS, 'NO') <> 'YES'",
  )) as unknown[];
  if (engines.length > 0) await queryRunner.query('ALTER TABLE `cache_storage` ENGINE=InnoDB');
}

async function toBytes(
  queryRunner: QueryRunner,
  name: 'namespace' | 'key',
  column: MysqlColumn | undefined,
): Promise<void> {
  if (column === undefined) return;
  const characters = LONGEST[name];
  const modify = (type: string): Promise<unknown> =>
    queryRunner.query(`ALTER TABLE \`cache_storage\` MODIFY \`${name}\` ${type} ${nullability(column)}`);
  if (!BYTES_OF_MYSQL.test(column.type)) {
    const longer = (await queryRunner.query(
      `SELECT 1 FROM \`cache_storage\` WHERE CHAR_LENGTH(\`${name}\`) > ${characters} LIMIT 1`,
    )) as unknown[];
    // Without a strict sql_mode they would be cut.
    if (longer.length > 0) return;
    // First the bytes of utf8mb4, whatever the characters were stored as.
    await modify(`VARCHAR(${characters}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
  } else if (column.type !== 'varbinary' || Number(column.length) >= characters * 4) {
    return;
  }
  await modify(`VARBINARY(${characters * 4})`);
}

/** Rows of others may have no key; they stay. */
function nullability({ nullable }: MysqlColumn): string {
  return nullable === 'YES' ? 'NULL' : 'NOT NULL';
}

/** A TIMESTAMP becomes the DATETIME that the session's zone makes of it. */
async function inUtc(queryRunner: QueryRunner, changes: readonly string[]): Promise<void> {
  if (changes.length === 0) return;
  const [session] = (await queryRunner.query('SELECT @@session.time_zone AS `zone`')) as { zone: string }[];
  await queryRunner.query("SET SESSION time_zone = '+00:00'");
  try {
    await queryRunner.query(`ALTER TABLE \`cache_storage\` ${changes.join(', ')}`);
  } finally {
    await queryRunner.query('SET SESSION time_zone = ?', [session?.zone]);
  }
}
