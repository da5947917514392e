import { DataSource, type DataSourceOptions } from 'typeorm';
import * as runner from 'vitest';
import { describe, expect, it } from 'vitest';
import { InMemoryStorage } from '../../src/index.js';
import { describeStorageContract } from '../../src/testing/index.js';
import { MysqlLog } from '../../src/storage/mysql/commit-log.js';
import { MysqlDialect } from '../../src/storage/mysql/dialect.js';
import { PortableDialect } from '../../src/storage/portable/dialect.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { errorWith } from '../support/definitions.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { onEmptiedTables, sqliteFiles, storageOn } from './sql-storage.js';

const newFile = sqliteFiles();
/** MariaDB's max_allowed_packet unless it is changed, bytes. */
const PACKET = 16 * 2 ** 20;

function portableOn(storage: DataSourceOptions): TypeOrmStorage {
  return new TypeOrmStorage(
    { storage, migrationsRun: true, synchronous: 'full' },
    (dataSource) => new PortableDialect(dataSource),
  );
}

/** A database of sql.js, which lives in memory, with this statement executed. */
async function exportOf(sql: string): Promise<Uint8Array> {
  const dataSource = await new DataSource({ type: 'sqljs' }).initialize();
  await dataSource.query(sql);
  const bytes = dataSource.sqljsManager.exportDatabase();
  await dataSource.destroy();
  return bytes;
}

describeStorageContract({ name: 'memory', create: () => new InMemoryStorage(), refusesNull: false, runner });

describe.each(['sqlite', 'better-sqlite3'] as const)('%s', (type) => {
  describeStorageContract({
    name: 'a file',
    create: async () => storageOn({ type, database: newFile() }),
    runner,
  });

  describeStorageContract({
    name: 'in memory',
    create: async () => storageOn({ type, database: ':memory:' }),
    runner,
  });

  const template = { type, database: newFile() };
  describeStorageContract({
    name: 'a file of an app, its DataSource as template',
    create: onEmptiedTables(template, () => storageOn(new DataSource(template))),
    runner,
  });

  describeStorageContract({
    name: 'a file, with the portable dialect',
    create: onEmptiedTables({ type, database: newFile() }, portableOn),
    runner,
  });
});

describe('a database without a dialect of its own', () => {
  it('is refused when it does not give keys back as they were', async () => {
    // sql.js drops a byte order mark.
    await expect(storageOn({ type: 'sqljs' }).open()).rejects.toThrow(errorWith('UNSUPPORTED_STORAGE'));
  });

  it.each([
    [
      'needs a column that nobody fills in',
      'value TEXT, owner TEXT NOT NULL',
      /column owner, .* has to be filled in/,
    ],
    ['writes values in its own way', 'value JSON', /does not give texts back as they were/],
    ['has no value', 'note TEXT', /no column value/],
    ['allows each value once', 'value TEXT UNIQUE', /on \(value\) takes rows for the same/],
  ])('is refused when its table %s', async (_what, columns, refused) => {
    const database = newFile();
    const seed = await new DataSource({ type: 'sqlite', database }).initialize();
    await seed.query(
      `CREATE TABLE cache_storage (namespace TEXT, key TEXT, updated_at TEXT, ${columns}, PRIMARY KEY (namespace, key))`,
    );
    await expect(portableOn({ type: 'sqlite', database }).open()).rejects.toMatchObject({
      code: 'UNSUPPORTED_STORAGE',
      message: expect.stringMatching(refused) as string,
    });
    expect(await seed.query('SELECT * FROM cache_storage')).toEqual([]);
    await seed.destroy();
  });

  it('is refused when it takes different keys for the same', async () => {
    const table = `CREATE TABLE cache_storage (namespace TEXT, key TEXT COLLATE NOCASE, value TEXT, updated_at TEXT,
      PRIMARY KEY (namespace, key))`;
    const storage = storageOn({ type: 'sqljs', database: await exportOf(table) });
    await expect(storage.open()).rejects.toThrow(errorWith('UNSUPPORTED_STORAGE'));
  });
});

const postgres = await postgresServer();
describe.skipIf(postgres === undefined)('PostgreSQL', async () => {
  if (postgres === undefined) return;
  const url = await postgres.newDatabase();
  const newSchema = async (schema: string): Promise<DataSourceOptions & { type: 'postgres' }> => {
    const admin = await new DataSource({ type: 'postgres', url }).initialize();
    await admin.query(`CREATE SCHEMA "${schema}"`);
    await admin.destroy();
    return { type: 'postgres', url, schema };
  };

  describeStorageContract({
    name: 'a schema',
    create: onEmptiedTables(await newSchema('Schema 1'), storageOn),
    runner,
  });

  const template = await newSchema('Schema 2');
  describeStorageContract({
    name: 'the database of an app, its DataSource as template',
    create: onEmptiedTables(template, () => storageOn(new DataSource({ ...template, poolSize: 1 }))),
    runner,
  });

  describeStorageContract({
    name: 'with the portable dialect',
    create: onEmptiedTables(await newSchema('Schema 3'), portableOn),
    runner,
  });
});

const mariadb = await mariadbServer();
describe.skipIf(mariadb === undefined)('MariaDB', async () => {
  if (mariadb === undefined) return;

  it('is refused, with the portable dialect too, when its table keeps what is rolled back', async () => {
    const url = await mariadb.newDatabase();
    const admin = await new DataSource({ type: 'mariadb', url }).initialize();
    await admin.query(
      'CREATE TABLE cache_storage (namespace VARBINARY(100), `key` VARBINARY(800), value LONGTEXT, updated_at DATETIME(3), ' +
        'expires_at BIGINT, version BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (namespace, `key`)) CHARACTER SET utf8mb4 ENGINE=MyISAM',
    );
    const storage = new TypeOrmStorage(
      { storage: { type: 'mariadb', url }, migrationsRun: false, synchronous: 'full' },
      (dataSource) => new PortableDialect(dataSource),
    );
    await expect(storage.open()).rejects.toThrow('it keeps what is rolled back');
    expect(await admin.query('SELECT * FROM cache_storage')).toEqual([]);
    await admin.destroy();
  });

  describeStorageContract({
    name: 'a database',
    create: onEmptiedTables({ type: 'mariadb', url: await mariadb.newDatabase() }, storageOn),
    runner,
  });

  const template = { type: 'mysql', url: await mariadb.newDatabase(), timezone: '+05:30' } as const;
  describeStorageContract({
    name: 'the database of an app, its DataSource as template',
    create: onEmptiedTables(template, () => storageOn(new DataSource(template))),
    runner,
  });

  // MySQL takes no transaction as one statement.
  const log = new MysqlLog({ maxPacket: () => PACKET, takesBlocks: () => false });
  describeStorageContract({
    name: 'a database, in the words of MySQL',
    create: onEmptiedTables(
      { type: 'mysql', url: await mariadb.newDatabase() },
      (storage) =>
        new TypeOrmStorage(
          { storage, migrationsRun: true, synchronous: 'full' },
          () => new MysqlDialect(() => PACKET, log),
        ),
    ),
    runner,
  });
});
