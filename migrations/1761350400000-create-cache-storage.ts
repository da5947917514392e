import { Table, TableIndex, type MigrationInterface, type QueryRunner } from 'typeorm';
import { familyOf, hasIndex, quotedTable } from './database-family.js';

const INDEX = 'idx_cache_namespace';

/** Makes the table, or adopts one of the same shape that is already there, rows and all. Keys compare by exact bytes. */
export class CreateCacheStorage1761350400000 implements MigrationInterface {
  readonly name = 'CreateCacheStorage1761350400000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await CREATE[familyOf(queryRunner)](queryRunner);
  }

  /** Removes the table with everything in it. */
  async down(queryRunner: QueryRunner): Promise<void> {
    if (await queryRunner.hasTable('cache_storage')) {
      await queryRunner.query(`DROP TABLE ${quotedTable(queryRunner.connection)}`);
    }
  }
}

const CREATE = { sqlite: onSqlite, postgres: onPostgres, mysql: onMysql, other: elsewhere } as const;

async function onSqlite(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE IF NOT EXISTS "cache_storage" (
      "namespace" TEXT NOT NULL,
      "key" TEXT NOT NULL,
      "value" TEXT NOT NULL,
      "updated_at" TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
      PRIMARY KEY ("namespace", "key")
    )`);
  await queryRunner.query(`CREATE INDEX IF NOT EXISTS "${INDEX}" ON "cache_storage" ("namespace")`);
}

async function onPostgres(queryRunner: QueryRunner): Promise<void> {
  const table = quotedTable(queryRunner.connection);
  if (await queryRunner.hasTable('cache_storage')) {
    // A time without a zone was written in the session's zone, which is the one that this conversion assumes.
    await queryRunner.query(`
      ALTER TABLE ${table}
        ALTER COLUMN "namespace" TYPE text COLLATE "C",
        ALTER COLUMN "key" TYPE text COLLATE "C",
        ALTER COLUMN "value" TYPE text,
        ALTER COLUMN "updated_at" TYPE timestamptz(3)`);
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
  if (await hasIndex(queryRunner, INDEX)) {
    await queryRunner.query(`DROP INDEX ${table.replace(/"cache_storage"$/, `"${INDEX}"`)}`);
  }
}

/** Binary columns: every collation that MySQL and MariaDB have in common takes 'a' and 'a ' for the same key. */
async function onMysql(queryRunner: QueryRunner): Promise<void> {
  if (await queryRunner.hasTable('cache_storage')) {
    await adoptOnMysql(queryRunner);
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
  if (!(await hasIndex(queryRunner, INDEX))) {
    await queryRunner.query(`CREATE INDEX \`${INDEX}\` ON \`cache_storage\` (\`namespace\`)`);
  }
}

async function adoptOnMysql(queryRunner: QueryRunner): Promise<void> {
  const table = await queryRunner.getTable('cache_storage');
  const typeOf = (name: string): string | undefined => table?.findColumnByName(name)?.type;
  if (typeOf('key') !== 'varbinary' || typeOf('namespace') !== 'varbinary') {
    // First the bytes of utf8mb4, whatever the characters were stored as.
    await queryRunner.query(`
      ALTER TABLE \`cache_storage\`
        MODIFY \`namespace\` VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        MODIFY \`key\` VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL`);
    await queryRunner.query(`
      ALTER TABLE \`cache_storage\`
        MODIFY \`namespace\` VARBINARY(512) NOT NULL,
        MODIFY \`key\` VARBINARY(2048) NOT NULL`);
  }
  const [session] = (await queryRunner.query('SELECT @@session.time_zone AS `zone`')) as { zone: string }[];
  // A TIMESTAMP becomes the DATETIME that the session's zone makes of it.
  await queryRunner.query("SET SESSION time_zone = '+00:00'");
  try {
    await queryRunner.query(`
      ALTER TABLE \`cache_storage\`
        MODIFY \`value\` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        MODIFY \`updated_at\` DATETIME(3) NULL DEFAULT (UTC_TIMESTAMP(3))`);
  } finally {
    await queryRunner.query('SET SESSION time_zone = ?', [session?.zone]);
  }
}

/** In TypeORM's words, with its type for a string. Whether keys compare exactly there is asked at each start. */
async function elsewhere(queryRunner: QueryRunner): Promise<void> {
  const { driver } = queryRunner.connection;
  if (!(await queryRunner.hasTable('cache_storage'))) {
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
  if (!(await hasIndex(queryRunner, INDEX))) {
    await queryRunner.createIndex(
      'cache_storage',
      new TableIndex({ name: INDEX, columnNames: ['namespace'] }),
    );
  }
}
