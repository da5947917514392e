import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { CacheModule, CacheService, type LoadCursor } from '../../src/index.js';
import { PortableDialect } from '../../src/storage/portable/dialect.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { NestLog, startApp } from '../support/nest-app.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
/** More than a page of a load has. */
const MANY = 1200;
const names = namespaceOf<string>(ON_CHANGE, { name: 'names', maxEntries: 10_000 });

async function run(options: DataSourceOptions, ...statements: string[]): Promise<unknown> {
  const dataSource = await new DataSource(options).initialize();
  let result: unknown;
  for (const statement of statements) result = await dataSource.query(statement);
  await dataSource.destroy();
  return result;
}

async function listed(entries: AsyncIterable<readonly [string, string]>): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key, value] of entries) {
    expect(value).toBe('good');
    keys.push(key);
  }
  return keys;
}

/**
 * Starts on the database twice. Each time all of the `good` rows are there, and `bad` others are counted and named once;
 * and so it is when they are listed, unless the database does not sort by bytes.
 */
async function expectStart(
  storage: DataSourceOptions,
  good: readonly string[],
  bad: number,
  isListable = true,
): Promise<void> {
  const inOrder = good.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  for (const _ of ['first', 'second']) {
    const log = new NestLog();
    const app = await startApp(
      [CacheModule.forRoot({ storage, namespaces: [names], chatNamespaces: false, rescueJournal: false })],
      log,
    );
    const cache = app.get(CacheService).namespace(names);
    expect([...cache.keys()].toSorted()).toEqual(good.toSorted());
    for (const key of good) expect(await cache.get(key)).toBe('good');
    expect(await cache.get('absent')).toBeUndefined();
    expect(app.get(CacheService).getStats()['names']).toMatchObject({ unreadable: bad });
    expect(log.with(`Namespace 'names': ${bad} stored rows do not decode`)).toHaveLength(1);
    if (isListable) {
      expect(await listed(cache)).toEqual(inOrder);
      expect(await listed(cache.scan({ reverse: true }))).toEqual(inOrder.toReversed());
      expect(app.get(CacheService).getStats()['names']).toMatchObject({ unreadable: 3 * bad });
    } else {
      await expect(listed(cache)).rejects.toMatchObject({
        code: 'READ_FAILED',
        cause: { message: expect.stringContaining('UTF-16') as string },
      });
    }
    await app.close();
  }
}

const SQLITE_TABLE =
  'CREATE TABLE cache_storage (namespace TEXT NOT NULL, key TEXT, value TEXT NOT NULL, ' +
  'updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (namespace, key))';
/** `keys` is an expression of `i`, which counts from 1 to `count`. */
const insert = (keys: string, count: number): string =>
  `INSERT INTO cache_storage (namespace, key, value) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) ` +
  `SELECT 'names', ${keys}, '"good"' FROM n`;

describe.each(['sqlite', 'better-sqlite3'] as const)(
  'keys that are no text in a table of others, by %s',
  (type) => {
    it.each([
      ['NULL', 'NULL', 3],
      ['bytes', `CAST(printf('blob %04d', i) AS BLOB)`, MANY],
      ['texts that are not UTF-8', `CAST(X'6D' || X'FF' || CAST(printf('%04d', i) AS BLOB) AS TEXT)`, MANY],
      [
        'such texts beside good ones that look the same',
        `CAST(CAST(printf('good %04d', i) AS BLOB) || CASE i % 2 WHEN 1 THEN X'FF' ELSE X'EFBFBD' END AS TEXT)`,
        MANY,
      ],
    ])('stop no start: %s', async (what, keys, count) => {
      const storage = { type, database: join(folder, `${type} ${what}.sqlite`) };
      await run(storage, SQLITE_TABLE, insert(`'a'`, 1), insert(keys, count), insert(`'z'`, 1));
      const alike = what.includes('beside')
        ? Array.from({ length: MANY / 2 }, (_, i) => `good ${String(2 * i + 2).padStart(4, '0')}\uFFFD`)
        : [];
      await expectStart(storage, ['a', ...alike, 'z'], count - alike.length);
      expect(await run(storage, 'SELECT COUNT(*) AS n FROM cache_storage')).toEqual([{ n: count + 2 }]);
    });

    it('stop no start in a file that keeps its texts as UTF-16', async () => {
      const storage = { type, database: join(folder, `${type} utf-16.sqlite`) };
      await run(
        storage,
        "PRAGMA encoding = 'UTF-16'",
        SQLITE_TABLE,
        insert(`CAST(i AS BLOB)`, 3),
        insert(`char(65533, i)`, 3),
      );
      await expectStart(storage, ['\uFFFD\u0001', '\uFFFD\u0002', '\uFFFD\u0003'], 3, false);
    });

    it('are left alone when a range of others is counted and cleared in a file of UTF-16', async () => {
      const database = join(folder, `${type} utf-16 range.sqlite`);
      await run(
        { type, database },
        "PRAGMA encoding = 'UTF-16'",
        SQLITE_TABLE,
        insert(`CAST(i AS BLOB)`, 3),
        insert(`char(97, 256 * i, 98)`, 20),
        insert(`char(97, 512) || i`, 7),
      );
      const storage = new TypeOrmStorage({
        storage: { type, database },
        migrationsRun: true,
        synchronous: 'full',
      });
      await storage.open();
      const range = { prefix: 'a\u0200', isWhole: false };
      expect(await storage.count('names', 1, range)).toBe(8);
      expect(await storage.clearRange('names', range, { stamp: 1, now: 1 })).toBe(8);
      expect(await storage.count('names', 1, range)).toBe(0);
      expect(await storage.count('names', 1)).toBe(22);
      await storage.close();
    });
  },
);

const mariadb = await mariadbServer();
describe.skipIf(mariadb === undefined)('keys that are no text in a table of others, on MariaDB', () => {
  it('stop no start: bytes that are not UTF-8', async () => {
    const storage = { type: 'mariadb', url: (await mariadb?.newDatabase()) ?? '' } as const;
    await run(
      storage,
      'CREATE TABLE cache_storage (namespace VARBINARY(100) NOT NULL, `key` VARBINARY(255) NOT NULL, value TEXT NOT NULL, ' +
        'updated_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (namespace, `key`)) CHARACTER SET utf8mb4',
      "INSERT INTO cache_storage (namespace, `key`, value) VALUES ('names', 'a', '\"good\"'), ('names', 'm\uFFFD0', '\"good\"'), ('names', 'z', '\"good\"')",
      `INSERT INTO cache_storage (namespace, \`key\`, value) SELECT 'names', CONCAT(X'6DFF', seq), '"bad"' FROM seq_1_to_${MANY}`,
    );
    await expectStart(storage, ['a', 'm\uFFFD0', 'z'], MANY);
  });
});

const postgres = await postgresServer();
describe.skipIf(postgres === undefined)('keys that are no text in a table of others, on PostgreSQL', () => {
  it('stop no start: bytes that are not UTF-8, in a database that takes any', async () => {
    const url = new URL((await postgres?.newDatabase()) ?? '');
    const database = url.pathname.slice(1);
    await postgres?.run(`DROP DATABASE ${database}`);
    await postgres?.run(
      `CREATE DATABASE ${database} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    );
    const storage = { type: 'postgres', url: url.href } as const;
    await run(
      storage,
      'CREATE TABLE cache_storage (namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, ' +
        'updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (namespace, key))',
      `INSERT INTO cache_storage VALUES ('names', 'a', '"good"'), ('names', 'm\uFFFD0', '"good"'), ('names', 'z', '"good"')`,
      `INSERT INTO cache_storage SELECT 'names', E'm\\xff' || i, '"bad"' FROM generate_series(1, ${MANY}) i`,
    );
    await expectStart(storage, ['a', 'm\uFFFD0', 'z'], MANY);
  });
});

describe('keys that are no text in a table of others, in the words of TypeORM', () => {
  it.each([
    ['NULL', 'NULL', 3],
    ['bytes', `CAST(X'FF' || CAST(printf('%04d', i) AS BLOB) AS BLOB)`, MANY],
    ['texts that are not UTF-8', `CAST(X'6DFF' || CAST(printf('%04d', i) AS BLOB) AS TEXT)`, MANY],
  ])('end no load: %s', async (what, keys, count) => {
    const options = { type: 'sqlite', database: join(folder, `portable ${what}.sqlite`) } as const;
    await run(options, SQLITE_TABLE, insert(`'a'`, 1), insert(keys, count));
    const storage = new TypeOrmStorage(
      { storage: options, migrationsRun: true, synchronous: 'full' },
      (dataSource) => new PortableDialect(dataSource),
    );
    await storage.open();
    let unreadable = 0;
    let pages = 0;
    let after: LoadCursor | undefined;
    do {
      const page = await storage.load('names', { after, limit: 500, now: 1 });
      unreadable += page.unreadable?.count ?? 0;
      pages += 1;
      after = page.next;
    } while (after !== undefined && pages < 10);
    expect(unreadable).toBeGreaterThan(0);
    expect(pages).toBeLessThan(10);
    await storage.close();
  });
});
