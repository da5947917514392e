import { DataSource, type DataSourceOptions, type QueryRunner } from 'typeorm';
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
import { startApp } from '../support/nest-app.js';
import { mariadbServer, postgresServer, type TestServer } from '../support/services.js';

/** A kind of server, and how its catalogue and the seed's table are spoken of. */
interface Kind {
  readonly type: 'postgres' | 'mariadb';
  readonly server: TestServer | undefined;
  /** The table as a first version of the bot would have made it there, with rows. */
  readonly seed: readonly string[];
  /** Describes columns, keys and indices. */
  readonly catalogue: readonly string[];
}

const ROWS = `
  INSERT INTO cache_storage (namespace, %key%, value, updated_at) VALUES
    ('chats', '-1001234567890', '{"settings": {"lang": "ru"}, "info": {"title": "Группа 😀"}}', '2026-01-02 03:04:05'),
    ('chatUsers', '123:456', '{"name": "Ada"}', '2026-01-02 03:04:05'),
    ('somebody else', 'Ключ', 'not json', NULL)`;

const KINDS: readonly Kind[] = [
  {
    type: 'postgres',
    server: await postgresServer(),
    seed: [
      `CREATE TABLE cache_storage (namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
        updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (namespace, key))`,
      'CREATE INDEX idx_cache_namespace ON cache_storage (namespace)',
      ROWS.replace('%key%', 'key'),
    ],
    catalogue: [
      `SELECT column_name, data_type, datetime_precision, collation_name, is_nullable, column_default
       FROM information_schema.columns WHERE table_name = 'cache_storage' ORDER BY ordinal_position`,
      `SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'cache_storage' ORDER BY 1`,
    ],
  },
  {
    type: 'mariadb',
    server: await mariadbServer(),
    seed: [
      `CREATE TABLE cache_storage (namespace VARCHAR(100) NOT NULL, \`key\` VARCHAR(255) NOT NULL, value TEXT NOT NULL,
        updated_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (namespace, \`key\`)) CHARACTER SET utf8mb4`,
      'CREATE INDEX idx_cache_namespace ON cache_storage (namespace)',
      ROWS.replace('%key%', '`key`'),
    ],
    catalogue: ['SHOW CREATE TABLE cache_storage'],
  },
];

const [{ server: postgres }] = KINDS as [Kind];
describe.skipIf(postgres === undefined)('a schema of PostgreSQL', () => {
  it.each(['we"ird', 'dot.ted', "quo'ted", 'a"."b'])(
    'that TypeORM can’t name is refused with the remedy: %s',
    async (schema) => {
      const url = (await postgres?.newDatabase()) ?? '';
      const db = await new DataSource({ type: 'postgres', url }).initialize();
      await db.query(`CREATE SCHEMA "${schema.replaceAll('"', '""')}"`);
      const open = async (): Promise<void> => {
        const storage = { type: 'postgres', url, schema } as const;
        await new TypeOrmStorage({ storage, migrationsRun: true, synchronous: 'full' }).open();
      };
      const error: unknown = await open().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'UNSUPPORTED_STORAGE', option: 'storage' });
      expect((error as Error).message).toContain('Give the cache a schema whose name has none of them');
      const tables = "SELECT 1 FROM information_schema.tables WHERE table_name LIKE 'cache_%'";
      expect(await db.query(tables)).toEqual([]);
      await db.destroy();
    },
  );
});

for (const { type, server, seed, catalogue } of KINDS)
  describe.skipIf(server === undefined)(`the migrations on ${type}`, () => {
    const newUrl = (): Promise<string> => (server as TestServer).newDatabase();
    const at = (url: string, more: object = {}): DataSource => new DataSource({ type, url, ...more });
    const migrating = (url: string): DataSource =>
      at(url, { migrations: cacheMigrations, migrationsTableName: CACHE_MIGRATIONS_TABLE });
    const storageAt = (url: string, migrationsRun = true): TypeOrmStorage =>
      new TypeOrmStorage({ storage: { type, url }, migrationsRun, synchronous: 'full' });

    async function on<T>(dataSource: DataSource, task: (dataSource: DataSource) => Promise<T>): Promise<T> {
      await dataSource.initialize();
      try {
        return await task(dataSource);
      } finally {
        await dataSource.destroy();
      }
    }

    async function ask<T>(db: DataSource, question: (runner: QueryRunner) => Promise<T>): Promise<T> {
      const runner = db.createQueryRunner();
      try {
        return await question(runner);
      } finally {
        await runner.release();
      }
    }
    const hasTable = (db: DataSource, name: string): Promise<boolean> =>
      ask(db, (runner) => runner.hasTable(name));
    const hasColumn = (db: DataSource, name: string): Promise<boolean> =>
      ask(db, (runner) => runner.hasColumn('cache_storage', name));

    const schemaOf = (url: string): Promise<unknown[]> =>
      on(at(url), async (db) => {
        const answers: unknown[] = [];
        for (const question of catalogue) answers.push(await db.query(question));
        return answers;
      });

    it('make the table, can be reverted one by one, and run again', async () => {
      const url = await newUrl();
      await on(migrating(url), (db) => db.runMigrations());
      const made = await schemaOf(url);
      await on(migrating(url), async (db) => {
        await db.query(
          `INSERT INTO cache_storage (namespace, ${db.driver.escape('key')}, value, expires_at) VALUES ('n', 'a', '1', NULL), ('n', 'b', '1', 99)`,
        );
        await db.query(`UPDATE cache_storage SET version = ${Number.MAX_SAFE_INTEGER}`);
        await db.undoLastMigration();
        for (const table of ['cache_changes', 'cache_instances'])
          expect(await hasTable(db, table)).toBe(false);
        await db.undoLastMigration();
        expect(await hasTable(db, 'cache_identity')).toBe(false);
        await db.undoLastMigration();
        expect(await hasColumn(db, 'version')).toBe(false);
        expect(await db.query('SELECT * FROM cache_storage')).toHaveLength(2);
        await db.undoLastMigration();
        expect(await hasColumn(db, 'expires_at')).toBe(false);
        expect(await db.query('SELECT * FROM cache_storage')).toHaveLength(1);
        await db.runMigrations();
        expect(await db.query("SELECT CONCAT(version, '') AS stamp FROM cache_storage")).toEqual([
          { stamp: '0' },
        ]);
      });
      expect(await schemaOf(url)).toEqual(made);
      await on(migrating(url), async (db) => {
        expect(await db.query('SELECT * FROM cache_storage')).toMatchObject([
          { value: '1', expires_at: null },
        ]);
        for (let left = cacheMigrations.length; left > 1; left -= 1) await db.undoLastMigration();
        await expect(db.undoLastMigration()).rejects.toMatchObject({
          code: 'TABLE_NOT_EMPTY',
          message: expect.stringMatching(/drop the table with 1 stored row \(n: 1\)/) as string,
        });
        await db.query('DELETE FROM cache_storage');
        await db.undoLastMigration();
        expect(await hasTable(db, 'cache_storage')).toBe(false);
      });
    });

    it('give the table all of its indexes, whichever tables of before have their names, time and again', async () => {
      await on(migrating(await newUrl()), async (db) => {
        const columnsOfIndexes = async (): Promise<string[]> => {
          const runner = db.createQueryRunner();
          const table = await runner.getTable('cache_storage');
          await runner.release();
          return (table?.indices ?? []).map(({ columnNames }) => columnNames.toSorted().join()).toSorted();
        };
        await db.runMigrations();
        const made = await columnsOfIndexes();
        expect(made).toContain('expires_at,namespace');
        for (const before of ['cache_storage_before', 'cache_storage_before_2']) {
          await db.query(
            `INSERT INTO cache_storage (namespace, ${db.driver.escape('key')}, value) VALUES ('n', 'a', '1')`,
          );
          const runner = db.createQueryRunner();
          const error: unknown = await cacheMigrations
            .map((migration) => new migration())
            .find(({ name }) => name?.startsWith('CreateCacheStorage'))
            ?.down(runner)
            .catch((reason: unknown) => reason);
          await runner.release();
          expect(error).toMatchObject({ code: 'TABLE_NOT_EMPTY' });
          await db.query(/^ALTER TABLE .*;$/m.exec((error as Error).message)?.[0] as string);
          expect(await db.query(`SELECT * FROM ${before}`)).toHaveLength(1);
          await db.query(`DELETE FROM ${CACHE_MIGRATIONS_TABLE}`);
          await db.runMigrations();
          expect(await columnsOfIndexes()).toEqual(made);
        }
      });
    });

    it('turn the seed’s table into the same, rows and all', async () => {
      const [fresh, adopted] = [await newUrl(), await newUrl()];
      await on(at(adopted), async (db) => {
        for (const statement of seed) await db.query(statement);
      });
      for (const url of [fresh, adopted]) {
        const storage = storageAt(url);
        await storage.open();
        await storage.close();
      }
      const rename = (schema: unknown[]): string => JSON.stringify(schema).replaceAll('\\n', ' ');
      expect(rename(await schemaOf(adopted))).toBe(rename(await schemaOf(fresh)));

      const app = await startApp([
        CacheModule.forRoot({ storage: { type, url: adopted } as DataSourceOptions }),
      ]);
      const cache = app.get(CacheService);
      expect(await cache.getChatSettings(-1001234567890)).toEqual({ lang: 'ru' });
      expect(await cache.getChatInfo(-1001234567890)).toEqual({ title: 'Группа 😀' });
      expect(await cache.getUserData(123, 456)).toEqual({ name: 'Ada' });
      await cache.setUserData(123, 456, 'age', 36);
      await app.close();
      const storage = storageAt(adopted);
      await storage.open();
      expect(await storage.read('somebody else', ['Ключ'])).toMatchObject([{ value: 'not json' }]);
      await storage.close();
    });

    it('leave the planner nothing but the primary key to find a key of a namespace that it does not know yet', async () => {
      const url = await newUrl();
      const storage = storageAt(url);
      await storage.open();
      const fill = (namespace: string): Promise<unknown> =>
        writeChanges(
          storage,
          [
            {
              namespace,
              puts: Array.from({ length: 20_000 }, (_, i) => ({ key: `${i}`, value: '1', expiresAt: null })),
            },
          ],
          1,
        );
      await fill('known');
      await on(at(url), async (db) => {
        await db.query(type === 'postgres' ? 'ANALYZE cache_storage' : 'ANALYZE TABLE cache_storage');
        await fill('new');
        const key = db.driver.escape('key');
        const plan: unknown = await db.query(
          `EXPLAIN SELECT value FROM cache_storage WHERE namespace = 'new' AND ${key} IN ('1', '2')`,
        );
        expect(JSON.stringify(plan)).toMatch(/cache_storage_pkey|PRIMARY/);
        const page: unknown = await db.query(
          `EXPLAIN SELECT value FROM cache_storage WHERE namespace = 'new' AND ${key} > '5' ORDER BY ${key} LIMIT 100`,
        );
        expect(JSON.stringify(page)).not.toMatch(/sort/i);
      });
      await storage.close();
    });

    it('leave an index of the same name on another table alone', async () => {
      const url = await newUrl();
      await on(at(url), async (db) => {
        await db.query('CREATE TABLE other (namespace VARCHAR(10))');
        await db.query('CREATE INDEX idx_cache_namespace ON other (namespace)');
      });
      const storage = storageAt(url);
      await storage.open();
      await storage.close();
      await on(at(url), async (db) => {
        const other = await db.createQueryRunner().getTable('other');
        expect(other?.indices.map((index) => index.name)).toEqual(['idx_cache_namespace']);
      });
    });

    it('do not trip over each other when several instances start at once', async () => {
      const url = await newUrl();
      const storages = Array.from({ length: 5 }, () => storageAt(url));
      await Promise.all(storages.map((storage) => storage.open()));
      await Promise.all(
        storages.map((storage, i) =>
          writeChanges(
            storage,
            [{ namespace: 'n', puts: [{ key: `${i}`, value: '1', expiresAt: null }] }],
            1,
          ),
        ),
      );
      expect(await storages[0]?.count('n', 1)).toBe(5);
      expect(new Set(storages.map(({ identity }) => identity)).size).toBe(1);
      await Promise.all(storages.map((storage) => storage.close()));
      expect(await on(at(url), (db) => db.query('SELECT * FROM cache_identity'))).toHaveLength(1);
      const account = await on(at(url), (db) => db.query(`SELECT * FROM ${CACHE_MIGRATIONS_TABLE}`));
      expect(account).toHaveLength(cacheMigrations.length);
    });

    it('may be run by the app among its own', async () => {
      const url = await newUrl();
      await on(at(url, { migrations: cacheMigrations }), (db) => db.runMigrations());
      const storage = storageAt(url, false);
      await storage.open();
      await writeChanges(storage, [{ namespace: 'n', puts: [{ key: 'a', value: '1', expiresAt: 5 }] }], 1);
      await storage.close();
      await on(at(url), async (db) => {
        expect(await db.query('SELECT * FROM cache_storage')).toHaveLength(1);
        const runner = db.createQueryRunner();
        expect(await runner.hasTable(CACHE_MIGRATIONS_TABLE)).toBe(false);
        await runner.release();
      });
    });

    it('say what is missing when nobody has run them', async () => {
      const storage = storageAt(await newUrl(), false);
      await expect(storage.open()).rejects.toMatchObject({
        code: 'STORAGE_OPEN_FAILED',
        message: expect.stringMatching(/set migrationsRun to true/) as string,
      });
    });

    it('alone make the table: synchronize leaves it as they made it, and reads it through the entity', async () => {
      const url = await newUrl();
      const app = (): DataSource => at(url, { entities: [CacheStorage], synchronize: true, timezone: 'Z' });
      await on(app(), async (db) => {
        const runner = db.createQueryRunner();
        expect(await runner.hasTable('cache_storage')).toBe(false);
        await runner.release();
      });
      const storage = storageAt(url);
      await storage.open();
      const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
      await writeChanges(
        storage,
        [{ namespace: 'n', puts: [{ key: 'ключ', value: '"v"', expiresAt: now + 1 }] }],
        now,
      );
      const before = await schemaOf(url);
      await on(app(), async (db) => {
        await db.query(`UPDATE cache_storage SET version = ${Number.MAX_SAFE_INTEGER}`);
        expect(await db.getRepository(CacheStorage).findOneByOrFail({ key: 'ключ' })).toEqual({
          namespace: 'n',
          key: 'ключ',
          value: '"v"',
          updatedAt: new Date(now),
          expiresAt: now + 1,
          version: Number.MAX_SAFE_INTEGER,
        });
      });
      expect(await schemaOf(url)).toEqual(before);
      await storage.close();
    });

    it('keep times in UTC, whatever zone the server and the session are in', async () => {
      const url = await newUrl();
      const database = new URL(url).pathname.slice(1);
      if (type === 'postgres')
        await (server as TestServer).run(`ALTER DATABASE ${database} SET timezone TO 'Asia/Kolkata'`);
      const storage = new TypeOrmStorage({
        storage: at(url, { timezone: '+05:30' }),
        migrationsRun: true,
        synchronous: 'full',
      });
      await storage.open();
      const now = Date.UTC(2026, 6, 2, 23, 59, 59, 999);
      const put = { key: 'a', value: '1', expiresAt: null };
      await writeChanges(storage, [{ namespace: 'n', puts: [put] }], now);
      expect((await storage.exact('n', ['a'])).rows).toMatchObject([{ writtenAt: now }]);
      // A row that somebody else wrote with the default.
      const earlier = Date.now() - 5000;
      await on(at(url), (db) =>
        db.query(
          `INSERT INTO cache_storage (namespace, ${db.driver.escape('key')}, value) VALUES ('n', 'b', '1')`,
        ),
      );
      const [written] = (await storage.exact('n', ['b'])).rows.map(({ writtenAt }) => writtenAt);
      expect(written).toBeGreaterThan(earlier);
      expect(written).toBeLessThan(Date.now() + 5000);
      await storage.close();
    });
  });
