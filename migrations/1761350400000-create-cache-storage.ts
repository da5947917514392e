import { Table, TableIndex, type MigrationInterface, type QueryRunner } from 'typeorm';
import { adoptTable } from './adopt-table.js';
import { familyOf, hasCacheTable, quotedTable } from './database-family.js';
import { freeName } from './free-name.js';
import { dropIndex, indexNamed } from './indexes.js';
import { refuseToLose } from './refuse-to-lose.js';

const INDEX = 'idx_cache_namespace';

/** Makes the table, or adopts one of the same shape that is already there, rows and all. Keys compare by exact bytes. */
export class CreateCacheStorage1761350400000 implements MigrationInterface {
  readonly name = 'CreateCacheStorage1761350400000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await CREATE[familyOf(queryRunner)](queryRunner);
  }

  /** Removes the table, unless it holds rows: it may have been there before the cache was. */
  async down(queryRunner: QueryRunner): Promise<void> {
    if (!(await hasCacheTable(queryRunner))) return;
    const table = quotedTable(queryRunner.connection);
    const before = await freeName(queryRunner, 'cache_storage_before');
    const keptAs = queryRunner.connection.driver.escape(before);
    await refuseToLose(queryRunner, {
      what: 'drop the table with',
      which: '',
      instead: `To keep them in another table, run this, and revert again:\nALTER TABLE ${table} RENAME TO ${keptAs};`,
    });
    await queryRunner.query(`DROP TABLE ${table}`);
  }
}

const CREATE = { sqlite: onSqlite, postgres: onPostgres, mysql: onMysql, other: elsewhere } as const;

async function onSqlite(queryRunner: QueryRunner): Promise<void> {
  if (await hasCacheTable(queryRunner)) {
    await adoptTable(queryRunner);
  } else {
    await queryRunner.query(`
      CREATE TABLE "cache_storage" (
        "namespace" TEXT NOT NULL,
        "key" TEXT NOT NULL,
        "value" TEXT NOT NULL,
        "updated_at" TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        PRIMARY KEY ("namespace", "key")
      )`);
  }
  if ((await indexNamed(queryRunner, INDEX)) === undefined) {
    const name = await freeName(queryRunner, INDEX);
    await queryRunner.query(`CREATE INDEX "${name}" ON "cache_storage" ("namespace")`);
  }
}

async function onPostgres(queryRunner: QueryRunner): Promise<void> {
  const table = quotedTable(queryRunner.connection);
  if (await hasCacheTable(queryRunner)) {
    await adoptTable(queryRunner);
  } else {
    await queryRunner.query(`
      CREATE TABLE ${table} (
        "namespace" text COLLATE "C" NOT NULL,
        "key" text COLLATE "C" NOT NULL,
        "value" text NOT NULL,
        "updated_at" timestamptz(3) DEFAULT CURRENT_TIMESTAMP,
        PRIMARY KEY ("namespace", "key")
      )`);
  }
  // The primary key begins with the namespace. While the planner knows little of a new one (until the next ANALYZE), it
  // takes an index on that alone for as good, and reads the whole namespace for each key.
  const index = await indexNamed(queryRunner, INDEX);
  if (index !== undefined) await dropIndex(queryRunner, index);
}

/** Binary columns: every collation that MySQL and MariaDB have in common takes 'a' and 'a ' for the same key. */
async function onMysql(queryRunner: QueryRunner): Promise<void> {
  if (await hasCacheTable(queryRunner)) {
    await adoptTable(queryRunner);
  } else {
    await queryRunner.query(`
      CREATE TABLE \`cache_storage\` (
        \`namespace\` VARBINARY(512) NOT NULL,
        \`key\` VARBINARY(2048) NOT NULL,
        \`value\` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        \`updated_at\` DATETIME(3) NULL DEFAULT (UTC_TIMESTAMP(3)),
        PRIMARY KEY (\`namespace\`, \`key\`)
      ) ENGINE=InnoDB`);
  }
  if ((await indexNamed(queryRunner, INDEX)) === undefined) {
    await queryRunner.query(`CREATE INDEX \`${INDEX}\` ON \`cache_storage\` (\`namespace\`)`);
  }
}

/** In TypeORM's words, with its type for a string. Whether keys compare exactly there is asked at each start. */
async function elsewhere(queryRunner: QueryRunner): Promise<void> {
  const { driver } = queryRunner.connection;
  if (!(await hasCacheTable(queryRunner))) {
    const text = driver.normalizeType({ type: String });
    const long = ['text', 'clob', 'nclob'].find((type) => driver.supportedDataTypes.includes(type as never));
    await queryRunner.createTable(
      new Table({
        name: 'cache_storage',
        columns: [
          { name: 'namespace', type: text, length: '128', isPrimary: true },
          { name: 'key', type: text, length: '512', isPrimary: true },
          { name: 'value', type: long ?? text },
          {
            name: 'updated_at',
            type: driver.normalizeType({ type: Date }),
            isNullable: true,
            default: 'CURRENT_TIMESTAMP',
          },
        ],
      }),
    );
  }
  if ((await indexNamed(queryRunner, INDEX)) === undefined) {
    await queryRunner.createIndex(
      'cache_storage',
      new TableIndex({ name: INDEX, columnNames: ['namespace'] }),
    );
  }
}
