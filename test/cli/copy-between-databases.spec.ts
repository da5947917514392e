import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { CacheModule, CacheService } from '../../src/index.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { startApp } from '../support/nest-app.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';
import { runCopy } from './support/copy-command.js';

const folder = tempFolder();
const postgres = await postgresServer();
const mariadb = await mariadbServer();

const NOW = 1_700_000_000_123;
const ENTRIES = [
  ...['a', 'a ', ' a', 'A', 'á', '😀', "it's", '\\', '%', 'x'.repeat(512)].map((key, i) => ({
    key,
    value: JSON.stringify({ key, text: '"\'\\\n😀' }),
    expiresAt: i % 2 === 0 ? null : Date.now() + 86_400_000 + i,
  })),
  { key: 'long', value: JSON.stringify('😀'.repeat(250_000)), expiresAt: null },
  ...Array.from({ length: 2500 }, (_, i) => ({ key: `${i}`, value: `${i}`, expiresAt: null })),
];
/** Their bytes' order is not that of UTF-16. */
const KEYS = ENTRIES.map((entry) => entry.key).toSorted();

async function withStorage<T>(
  storage: DataSourceOptions,
  task: (storage: TypeOrmStorage) => Promise<T>,
): Promise<T> {
  const opened = new TypeOrmStorage({ storage, migrationsRun: true, synchronous: 'normal' });
  await opened.open();
  try {
    return await task(opened);
  } finally {
    await opened.close();
  }
}

async function contentOf(storage: DataSourceOptions): Promise<unknown> {
  return withStorage(storage, async (opened) => {
    const { rows } = await opened.exact('ключи', KEYS);
    return rows.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  });
}

describe.skipIf(postgres === undefined || mariadb === undefined)('copies between databases', async () => {
  const ofPostgres = (await postgres?.newDatabase()) ?? '';
  const ofMariadb = (await mariadb?.newDatabase()) ?? '';
  const first: DataSourceOptions = { type: 'sqlite', database: join(folder, 'first.sqlite') };

  it('bring every row with its expiry and time from SQLite to PostgreSQL, on to MariaDB and back', async () => {
    await withStorage(first, async (storage) => {
      await writeChanges(storage, [{ namespace: 'ключи', puts: ENTRIES.slice(0, 1000) }], NOW);
      await writeChanges(storage, [{ namespace: 'ключи', puts: ENTRIES.slice(1000) }], NOW + 1001);
      await writeChanges(
        storage,
        [
          {
            namespace: 'chats',
            puts: [{ key: '1', value: '{"settings":{"a":1}}', expiresAt: null }],
          },
        ],
        NOW,
      );
    });
    const before = await contentOf(first);
    for (const [from, to] of [
      [first.database, ofPostgres],
      [ofPostgres, ofMariadb],
      [ofMariadb, join(folder, 'last.sqlite')],
    ] as const) {
      const { code, output } = await runCopy(folder, from, to);
      expect(output).toContain(`ключи: ${ENTRIES.length} of ${ENTRIES.length} rows copied`);
      expect(code).toBe(0);
    }
    expect(await contentOf({ type: 'postgres', url: ofPostgres })).toEqual(before);
    expect(await contentOf({ type: 'mysql', url: ofMariadb })).toEqual(before);
    expect(await contentOf({ type: 'sqlite', database: join(folder, 'last.sqlite') })).toEqual(before);
  });

  it('make what an application starts on', async () => {
    const app = await startApp([CacheModule.forRoot({ storage: { type: 'postgres', url: ofPostgres } })]);
    expect(await app.get(CacheService).getChatSettings(1)).toEqual({ a: 1 });
    await app.close();
  });

  it('refuse rows that differ, and find those that are there already', async () => {
    expect((await runCopy(folder, first.database, ofMariadb)).output).toContain(
      `0 of ${ENTRIES.length} rows copied, ${ENTRIES.length} there already`,
    );
    await withStorage({ type: 'postgres', url: ofPostgres }, (storage) =>
      writeChanges(
        storage,
        [{ namespace: 'chats', puts: [{ key: '1', value: '{}', expiresAt: null }] }],
        NOW,
      ),
    );
    expect(await runCopy(folder, first.database, ofPostgres)).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^TARGET_NOT_EMPTY: .*'chats' \(1\)/m) as string,
    });
    expect((await runCopy(folder, first.database, ofPostgres, '--force')).code).toBe(0);
  });

  it('make no table in a dry run, and find none to copy from', async () => {
    const url = (await postgres?.newDatabase()) ?? '';
    const { code, output } = await runCopy(folder, first.database, url, '--dry-run');
    expect({ code, output }).toMatchObject({
      code: 0,
      output: expect.stringContaining('rows to copy') as string,
    });
    const server = await new DataSource({ type: 'postgres', url }).initialize();
    expect(await server.query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
    await server.destroy();
    expect(await runCopy(folder, url, join(folder, 'none.sqlite'))).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^UNKNOWN_NAMESPACE: .*no rows/m) as string,
    });
    expect(existsSync(join(folder, 'none.sqlite'))).toBe(false);
  });

  it.each([
    ['password', (url: URL) => Object.assign(url, { username: 'nobody_there', password: 's3cret' })],
    ['database', (url: URL) => Object.assign(url, { pathname: '/s3cret_none', password: 's3cret' })],
  ])('print no credentials when the server refuses the %s', async (_what, change) => {
    for (const url of [ofPostgres, ofMariadb]) {
      const { code, output } = await runCopy(folder, first.database, change(new URL(url)).href);
      expect(code).toBe(1);
      expect(output).toMatch(/^STORAGE_OPEN_FAILED: /m);
      expect(output.replaceAll('s3cret_none', '')).not.toContain('s3cret');
    }
  });
});
