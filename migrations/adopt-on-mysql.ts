import type { QueryRunner } from 'typeorm';
import { repeatsKeys } from './database-family.js';
import { hasUniqueKey, UNIQUE_KEY } from './indexes.js';

interface MysqlColumn {
  readonly name: string;
  readonly type: string;
  readonly length: number | string | null;
  readonly nullable: 'YES' | 'NO';
  readonly extra: string;
}

/** What MySQL fills up with blanks or zeros is left alone, and so is what it would have to take for characters. */
const BYTES_OF_MYSQL = /^(?:binary|varbinary|\w*blob|bit|geometry)$/;
const LONGEST = { namespace: 128, key: 512 } as const;

/** Each statement is a transaction of its own. */
export async function adoptOnMysql(queryRunner: QueryRunner): Promise<void> {
  const columns = (await queryRunner.query(
    'SELECT LOWER(COLUMN_NAME) AS `name`, DATA_TYPE AS `type`, CHARACTER_MAXIMUM_LENGTH AS `length`, IS_NULLABLE AS `nullable`, EXTRA AS `extra` ' +
      "FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'cache_storage'",
  )) as MysqlColumn[];
  // A computed column would become a plain one, which nobody asked for.
  const plain = columns.filter(({ extra }) => !/\b(?:VIRTUAL|STORED|PERSISTENT)\b/i.test(extra));
  const find = (name: string): MysqlColumn | undefined => plain.find((column) => column.name === name);
  await ontoTransactions(queryRunner);
  for (const name of ['namespace', 'key'] as const) await toBytes(queryRunner, name, find(name));
  const hasTime = columns.some(({ name }) => name === 'updated_at');
  if (!hasTime)
    await queryRunner.query('ALTER TABLE `cache_storage` ADD COLUMN `updated_at` DATETIME(3) NULL');
  const value = find('value');
  const changes: string[] = [];
  if (value !== undefined && !BYTES_OF_MYSQL.test(value.type))
    changes.push(`MODIFY \`value\` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ${nullability(value)}`);
  if (/^(?:datetime|timestamp|date)$/.test(hasTime ? (find('updated_at')?.type ?? '') : 'datetime'))
    changes.push('MODIFY `updated_at` DATETIME(3) NULL DEFAULT (UTC_TIMESTAMP(3))');
  await inUtc(queryRunner, changes);
  if (!(await hasUniqueKey(queryRunner)) && !(await repeatsKeys(queryRunner))) await addKey(queryRunner);
}

/** What a table is partitioned by has to be in each of its keys. */
async function addKey(queryRunner: QueryRunner): Promise<void> {
  const sql = `ALTER TABLE \`cache_storage\` ADD UNIQUE KEY \`${UNIQUE_KEY}\` (\`namespace\`, \`key\`)`;
  await queryRunner.query(sql).catch((error: unknown) => {
    const { driverError } = error as { driverError?: { code?: unknown } };
    if (driverError?.code !== 'ER_UNIQUE_KEY_NEED_ALL_FIELDS_IN_PF') throw error;
  });
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
