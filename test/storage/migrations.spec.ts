import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DataSource, type QueryRunner } from 'typeorm';
import { describe, expect, it } from 'vitest';
import {
  cacheMigrations,
  CACHE_MIGRATIONS_TABLE,
  CacheModule,
  CacheService,
  CacheStorage,
} from '../../src/index.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { errorWith } from '../support/definitions.js';
import { NestLog, startApp } from '../support/nest-app.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.sqlite`);

const dataSourceAt = (database: string): DataSource =>
  new DataSource({
    type: 'sqlite',
    database,
    entities: [CacheStorage],
    migrations: cacheMigrations,
    migrationsTableName: CACHE_MIGRATIONS_TABLE,
  });

const storageAt = (database: string, migrationsRun = true): TypeOrmStorage =>
  new TypeOrmStorage({ storage: { type: 'sqlite', database }, migrationsRun, synchronous: 'full' });

/** The table as the bot's Python version made it, with rows that version wrote. */
const PYTHON_TABLE = `
  CREATE TABLE cache_storage (
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (namespace, key)
  );
  INSERT INTO cache_storage (namespace, key, value) VALUES
    ('chats', '-1001234567890', '{"settings": {"lang": "ru"}, "info": {"title": "\\u0413\\u0440\\u0443\\u043f\\u043f\\u0430"}}'),
    ('chats', 'not a number', '{}'),
    ('chats', '7', '{"settings": {"temperature": NaN}}'),
    ('chatUsers', '123:456', '{"name": "Ada"}'),
    ('somebody else', 'x', 'not json');
`;

const hasPython = spawnSync('python3', ['-c', 'import sqlite3']).status === 0;
if (!hasPython) {
  if (process.env['REQUIRE_SERVICES'] === '1')
    throw new Error('REQUIRE_SERVICES=1, and there is no python3.');
  console.log('Skipped: what Python reads and writes, since there is no python3.');
}

function python(database: string, script: string): string {
  return execFileSync(
    'python3',
    ['-c', `import sqlite3\nc = sqlite3.connect(${JSON.stringify(database)})\n${script}`],
    {
      encoding: 'utf8',
    },
  ).trim();
}

/** Reverts what came after the expiry. */
async function undoToExpiry(dataSource: DataSource): Promise<void> {
  for (let left = cacheMigrations.length; left > 2; left -= 1) await dataSource.undoLastMigration();
}

async function withRunner<T>(database: string, task: (runner: QueryRunner) => Promise<T>): Promise<T> {
  const dataSource = await dataSourceAt(database).initialize();
  try {
    return await task(dataSource.createQueryRunner());
  } finally {
    await dataSource.destroy();
  }
}

describe('the migrations', () => {
  it('make what the entity describes', async () => {
    const database = newFile();
    const dataSource = await dataSourceAt(database).initialize();
    await dataSource.runMigrations();
    const table = await dataSource.createQueryRunner().getTable('cache_storage');
    expect(table?.columns.map((column) => column.name)).toEqual([
      'namespace',
      'key',
      'value',
      'updated_at',
      'expires_at',
      'version',
    ]);
    expect(table?.primaryColumns.map((column) => column.name)).toEqual(['namespace', 'key']);
    expect(table?.indices.map((index) => index.name).toSorted()).toEqual([
      'idx_cache_expires_at',
      'idx_cache_namespace',
    ]);
    await dataSource.getRepository(CacheStorage).save({ namespace: 'n', key: 'k', value: '1' });
    const row = await dataSource.getRepository(CacheStorage).findOneByOrFail({ namespace: 'n' });
    expect(row).toMatchObject({
      key: 'k',
      value: '1',
      expiresAt: null,
      updatedAt: expect.any(Date) as Date,
      version: 0,
    });
    await dataSource.destroy();
  });

  it('can be reverted one by one and run again', async () => {
    const database = newFile();
    const dataSource = await dataSourceAt(database).initialize();
    await dataSource.runMigrations();
    await dataSource.query(
      "INSERT INTO cache_storage (namespace, key, value, expires_at, version) VALUES ('n', 'a', '1', NULL, 7), ('n', 'b', '1', 99, 7)",
    );
    await dataSource.undoLastMigration();
    for (const table of ['cache_changes', 'cache_instances'])
      expect(await dataSource.createQueryRunner().hasTable(table)).toBe(false);
    await dataSource.undoLastMigration();
    expect(await dataSource.createQueryRunner().hasTable('cache_identity')).toBe(false);
    await dataSource.undoLastMigration();
    expect(await dataSource.query('SELECT "key", expires_at FROM cache_storage')).toEqual([
      { key: 'a', expires_at: null },
      { key: 'b', expires_at: 99 },
    ]);
    expect(await dataSource.createQueryRunner().hasColumn('cache_storage', 'version')).toBe(false);
    await dataSource.undoLastMigration();
    expect(await dataSource.query('SELECT * FROM cache_storage')).toMatchObject([{ key: 'a', value: '1' }]);
    await dataSource.runMigrations();
    expect(await dataSource.query('SELECT "key", expires_at, version FROM cache_storage')).toEqual([
      { key: 'a', expires_at: null, version: 0 },
    ]);
    await dataSource.query('DELETE FROM cache_storage');
    for (const _migration of cacheMigrations) await dataSource.undoLastMigration();
    expect(await dataSource.createQueryRunner().hasTable('cache_storage')).toBe(false);
    await dataSource.destroy();
  });

  it('are not reverted over rows: neither over those that will expire, nor over the others', async () => {
    const dataSource = await dataSourceAt(newFile()).initialize();
    await dataSource.runMigrations();
    const later = Date.now() + 3_600_000;
    await dataSource.query(
      `INSERT INTO cache_storage (namespace, key, value, expires_at) VALUES ('chats', '1', '1', NULL), ('notes', 'a', '1', ${later}), ('notes', 'b', '1', ${later})`,
    );
    await undoToExpiry(dataSource);
    const before = await dataSource.query('SELECT * FROM cache_storage');
    const remedyOf = async (): Promise<string> => {
      const error: unknown = await dataSource.undoLastMigration().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'TABLE_NOT_EMPTY' });
      return (error as Error).message;
    };
    expect(await remedyOf()).toMatch(/remove 2 stored rows \(notes: 2\)/);
    expect(await dataSource.query('SELECT * FROM cache_storage')).toEqual(before);
    // Both ways out that it names: to keep the rows, and to let them go.
    await dataSource.query(/UPDATE [^;]*/.exec(await remedyOf())?.[0] as string);
    await dataSource.undoLastMigration();
    expect(await remedyOf()).toMatch(/drop the table with 3 stored rows \(chats: 1, notes: 2\)/);
    expect(await dataSource.query('SELECT * FROM cache_storage')).toHaveLength(3);
    await dataSource.query(/ALTER TABLE [^;]*/.exec(await remedyOf())?.[0] as string);
    await dataSource.undoLastMigration();
    expect(await dataSource.query('SELECT * FROM cache_storage_before')).toHaveLength(3);
    await dataSource.destroy();
  });

  it('give the table all of its indexes, whichever tables of before have their names, time and again', async () => {
    const dataSource = await dataSourceAt(newFile()).initialize();
    for (const before of ['cache_storage_before', 'cache_storage_before_2']) {
      await dataSource.runMigrations();
      const indexes: { columns: string }[] = await dataSource.query(
        "SELECT (SELECT group_concat(name) FROM pragma_index_info(l.name)) AS columns FROM pragma_index_list('cache_storage') l",
      );
      expect(indexes.map(({ columns }) => columns).toSorted()).toEqual([
        'namespace',
        'namespace,expires_at',
        'namespace,key',
      ]);
      await undoToExpiry(dataSource);
      await dataSource.undoLastMigration();
      await dataSource.query("INSERT INTO cache_storage (namespace, key, value) VALUES ('n', 'a', '1')");
      await dataSource.runMigrations();
      await undoToExpiry(dataSource);
      await dataSource.undoLastMigration();
      const error: unknown = await dataSource.undoLastMigration().catch((reason: unknown) => reason);
      const statements = (error as Error).message.split('\n').filter((line) => line.endsWith(';'));
      expect(statements).toEqual([
        'DELETE FROM "cache_storage";',
        `ALTER TABLE "cache_storage" RENAME TO "${before}";`,
      ]);
      await dataSource.query(statements[1] as string);
      await dataSource.undoLastMigration();
      expect(await dataSource.query(`SELECT * FROM ${before}`)).toHaveLength(1);
    }
    await dataSource.destroy();
  });

  it('keep for ever what would still expire, and nothing that is over', async () => {
    const dataSource = await dataSourceAt(newFile()).initialize();
    await dataSource.runMigrations();
    await dataSource.query(
      `INSERT INTO cache_storage (namespace, key, value, expires_at) VALUES ('n', 'over', '1', 9), ('n', 'alive', '1', ${Date.now() + 3_600_000})`,
    );
    await undoToExpiry(dataSource);
    const error: unknown = await dataSource.undoLastMigration().catch((reason: unknown) => reason);
    await dataSource.query(/^UPDATE .*;$/m.exec((error as Error).message)?.[0] as string);
    await dataSource.undoLastMigration();
    expect(await dataSource.query('SELECT "key" FROM cache_storage')).toEqual([{ key: 'alive' }]);
    await dataSource.destroy();
  });

  it('change nothing when they run again, with their own account of it', async () => {
    const database = newFile();
    for (let start = 0; start < 3; start += 1) {
      const storage = storageAt(database);
      await storage.open();
      await writeChanges(
        storage,
        [{ namespace: 'n', puts: [{ key: `${start}`, value: '1', expiresAt: null }] }],
        1,
      );
      await storage.close();
    }
    const [rows, account] = await withRunner(database, async (runner) => [
      await runner.query('SELECT * FROM cache_storage'),
      await runner.query(`SELECT name FROM ${CACHE_MIGRATIONS_TABLE}`),
    ]);
    expect(rows).toHaveLength(3);
    expect(account).toHaveLength(cacheMigrations.length);
  });

  it('are not run when told not to; the app runs them among its own', async () => {
    const database = newFile();
    const app = new DataSource({ type: 'sqlite', database, migrations: cacheMigrations });
    await app.initialize();
    await app.runMigrations();
    const storage = storageAt(database, false);
    await storage.open();
    await writeChanges(storage, [{ namespace: 'n', puts: [{ key: 'a', value: '1', expiresAt: 5 }] }], 1);
    expect(await app.query('SELECT COUNT(*) AS n FROM cache_storage')).toEqual([{ n: 1 }]);
    expect(await app.createQueryRunner().hasTable(CACHE_MIGRATIONS_TABLE)).toBe(false);
    await storage.close();
    await app.destroy();
  });

  it.each([
    [0, /There is no table cache_storage/],
    [1, /lacks expires_at and version, .* new migrations of this package have to be run/],
    [2, /lacks version, .* new migrations of this package have to be run/],
  ])('are asked for by what is missing where the app has run %i of them', async (ran, missing) => {
    const database = newFile();
    const migrations = cacheMigrations.slice(0, ran);
    const app = await new DataSource({ type: 'sqlite', database, migrations }).initialize();
    await app.runMigrations();
    await app.destroy();
    const opening = storageAt(database, false).open();
    await expect(opening).rejects.toThrow(errorWith('STORAGE_OPEN_FAILED'));
    await expect(opening).rejects.toThrow(missing);
    await expect(opening).rejects.toThrow(/run cacheMigrations/);
  });

  it('are asked for by one line of the log where only the identity is missing', async () => {
    const database = newFile();
    const migrations = cacheMigrations.slice(0, 3);
    const app = await new DataSource({ type: 'sqlite', database, migrations }).initialize();
    await app.runMigrations();
    await app.destroy();
    const log = new NestLog();
    const storage = { type: 'sqlite', database } as const;
    await (await startApp([CacheModule.forRoot({ storage, migrationsRun: false })], log)).close();
    expect(log.with('CreateCacheIdentity')).toEqual([expect.stringMatching(/^warn: /)]);
  });

  it.each(['sqlite', 'better-sqlite3'] as const)(
    'add the stamp to the rows that an earlier version stored, and leave one that is there (%s)',
    async (type) => {
      const database = newFile();
      const earlier = await new DataSource({
        type,
        database,
        migrations: cacheMigrations.slice(0, 2),
        migrationsTableName: CACHE_MIGRATIONS_TABLE,
      }).initialize();
      await earlier.runMigrations();
      await earlier.query("INSERT INTO cache_storage (namespace, key, value) VALUES ('n', 'a', '1')");
      const storage = new TypeOrmStorage({
        storage: { type, database },
        migrationsRun: true,
        synchronous: 'full',
      });
      await storage.open();
      await storage.close();
      const stamps = (): Promise<unknown> => earlier.query('SELECT "key", version FROM cache_storage');
      expect(await stamps()).toEqual([{ key: 'a', version: 0 }]);
      await earlier.query(`UPDATE cache_storage SET version = ${Number.MAX_SAFE_INTEGER}`);
      // As where the app lists them among its own, beside those that the cache has run.
      const app = await new DataSource({ type, database, migrations: cacheMigrations }).initialize();
      await app.runMigrations();
      await app.destroy();
      expect(await stamps()).toEqual([{ key: 'a', version: Number.MAX_SAFE_INTEGER }]);
      await earlier.destroy();
    },
  );

  it('do not trip over each other when several instances start at once on a new file', async () => {
    const database = newFile();
    const storages = Array.from({ length: 5 }, () => storageAt(database));
    await Promise.all(storages.map((storage) => storage.open()));
    await Promise.all(
      storages.map((storage, i) =>
        writeChanges(storage, [{ namespace: 'n', puts: [{ key: `${i}`, value: '1', expiresAt: null }] }], 1),
      ),
    );
    expect(await storages[0]?.count('n', 1)).toBe(5);
    expect(new Set(storages.map(({ identity }) => identity)).size).toBe(1);
    for (const storage of storages) await storage.close();
    await withRunner(database, async (runner) => {
      expect(await runner.query('SELECT * FROM cache_identity')).toHaveLength(1);
    });
  });
});

describe('the table of the bot’s Python version', () => {
  it('is adopted with its rows; those that do not decode are counted, named once and left alone', async () => {
    const database = newFile();
    const seed = await new DataSource({ type: 'sqlite', database }).initialize();
    for (const statement of PYTHON_TABLE.split(';\n').filter((sql) => sql.trim() !== ''))
      await seed.query(statement);
    const log = new NestLog();
    const app = await startApp([CacheModule.forRoot({ storage: { type: 'sqlite', database } })], log);
    const cache = app.get(CacheService);
    expect(await cache.getChatSettings(-1001234567890)).toEqual({ lang: 'ru' });
    expect(await cache.getChatInfo(-1001234567890)).toEqual({ title: 'Группа' });
    expect(await cache.getUserData(123, 456)).toEqual({ name: 'Ada' });
    await cache.setChatInfo(-1001234567890, { title: 'New' });
    await expect(cache.getChatSettings(7)).rejects.toMatchObject({ code: 'UNREADABLE_ENTRY', key: '7' });
    await expect(cache.setChatSettings(7, {})).rejects.toMatchObject({ code: 'UNREADABLE_ENTRY' });
    await app.close();
    expect(log.with("Namespace 'chats': 2 stored rows do not decode")).toHaveLength(1);
    expect(log.with('2 rows skipped: see above')).toHaveLength(1);
    expect(log.lines.join()).not.toMatch(/NaN|Ada|Группа/);
    const rows: { key: string; value: string }[] = await seed.query(
      'SELECT * FROM cache_storage ORDER BY namespace, key',
    );
    expect(rows.map((row) => row.key)).toEqual(['123:456', '-1001234567890', '7', 'not a number', 'x']);
    expect(rows[2]?.value).toBe('{"settings": {"temperature": NaN}}');
    expect(rows[4]?.value).toBe('not json');
    await seed.destroy();
  });

  it('lets an unreadable row be replaced or deleted', async () => {
    const database = newFile();
    const seed = await new DataSource({ type: 'sqlite', database }).initialize();
    for (const statement of PYTHON_TABLE.split(';\n').filter((sql) => sql.trim() !== ''))
      await seed.query(statement);
    await seed.query(
      "INSERT INTO cache_storage (namespace, key, value) VALUES ('chatUsers', '1:1', '{'), ('chatUsers', '2:2', x'00ff')",
    );
    await seed.destroy();
    const app = await startApp([CacheModule.forRoot({ storage: { type: 'sqlite', database } })]);
    const cache = app.get(CacheService);
    await expect(cache.getUserData(2, 2)).rejects.toMatchObject({ code: 'UNREADABLE_ENTRY' });
    await expect(cache.setUserData(1, 1, 'a', 1)).rejects.toMatchObject({ code: 'UNREADABLE_ENTRY' });
    expect(await cache.chatUsers.delete([1, 1])).toBe(true);
    await cache.chatUsers.set([2, 2], { mended: true });
    await cache.chats.set(7, { settings: { mended: true } });
    expect(await cache.getUserData(1, 1)).toEqual({});
    await app.close();
    const again = await startApp([CacheModule.forRoot({ storage: { type: 'sqlite', database } })]);
    expect(await again.get(CacheService).getUserData(2, 2)).toEqual({ mended: true });
    expect(await again.get(CacheService).getChatSettings(7)).toEqual({ mended: true });
    await again.close();
  });

  it.skipIf(!hasPython)('can be read and written by Python afterwards', async () => {
    const database = newFile();
    python(database, `c.executescript(${JSON.stringify(PYTHON_TABLE)})`);
    const app = await startApp([CacheModule.forRoot({ storage: { type: 'sqlite', database } })]);
    await app.get(CacheService).setUserData(1, 2, 'name', 'Grace');
    await app.close();
    const select = `import json\nprint(json.dumps({k: json.loads(v) for (k, v) in c.execute("SELECT key, value FROM cache_storage WHERE namespace = 'chatUsers'")}))`;
    expect(JSON.parse(python(database, select))).toEqual({
      '123:456': { name: 'Ada' },
      '1:2': { name: 'Grace' },
    });
    python(
      database,
      `c.execute("UPDATE cache_storage SET version = 7")\nc.execute("INSERT OR REPLACE INTO cache_storage (namespace, key, value, updated_at) VALUES (?, ?, ?, CURRENT_TIMESTAMP)", ("chatUsers", "1:2", '{"name": "Hedy"}'))\n` +
        `c.execute("INSERT OR REPLACE INTO cache_storage (namespace, key, value) VALUES (?, ?, ?)", ("chatUsers", "3:4", '{}'))\nc.commit()`,
    );
    const stamps =
      'import json\nprint(json.dumps(dict(c.execute("SELECT key, version FROM cache_storage WHERE namespace = \'chatUsers\'"))))';
    // Whatever is written without a stamp has none: also over a row that had one.
    expect(JSON.parse(python(database, stamps))).toEqual({ '123:456': 7, '1:2': 0, '3:4': 0 });
    const rows = `print(len(list(c.execute("SELECT namespace, key, value FROM cache_storage WHERE namespace = 'chatUsers'"))))`;
    expect(python(database, rows)).toBe('3');
    const again = await startApp([CacheModule.forRoot({ storage: { type: 'sqlite', database } })]);
    expect(await again.get(CacheService).getUserData(1, 2)).toEqual({ name: 'Hedy' });
    await again.close();
  });
});
