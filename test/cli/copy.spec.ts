import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { beforeEach, describe, expect, it } from 'vitest';
import { CacheModule, CacheService, defineNamespace, json, stringKey } from '../../src/index.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import type { Child, Ended } from '../support/child-process.js';
import { startApp } from '../support/nest-app.js';
import { tempFolder } from '../support/temp-folder.js';
import { runCopy, startCommand } from './support/copy-command.js';

const DAY_MS = 86_400_000;

const folder = tempFolder();
const notes = defineNamespace({ name: 'notes', key: stringKey(), value: json<string>(), maxEntries: 10 });

const command = (...args: string[]): Child => startCommand(folder, ...args);
const copy = (from: string, to: string, ...options: string[]): Promise<Ended> =>
  runCopy(folder, from, to, ...options);

async function onFile<T>(file: string, task: (dataSource: DataSource) => Promise<T>): Promise<T> {
  const dataSource = await new DataSource({ type: 'sqlite', database: file }).initialize();
  try {
    return await task(dataSource);
  } finally {
    await dataSource.destroy();
  }
}

function rowsIn(file: string): Promise<Record<string, unknown>[]> {
  return onFile(file, (dataSource) =>
    dataSource.query('SELECT * FROM cache_storage ORDER BY namespace, "key"'),
  );
}

/** `rows` as a copy holds them: no cache has written them there, so they lose their stamps. */
function unstamped(rows: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  return rows.map((row) => ({ ...row, version: 0 }));
}

/** What a cache at `file` holds after an application wrote to it. */
async function fill(file: string): Promise<void> {
  const app = await startApp([
    CacheModule.forRoot({ storage: { type: 'sqlite', database: file }, namespaces: [notes] }),
  ]);
  const cache = app.get(CacheService);
  for (let i = 0; i < 25; i += 1) await cache.namespace(notes).set(`note ${i}`, `text ${i}`);
  await cache.namespace(notes).set('for a day', 'x', { ttlMs: DAY_MS });
  await cache.setChatSettings(1, { lang: 'de', 'ключ 😀': ["it's", '"'] });
  await cache.setUserData(1, 2, 'colour', 'green');
  await app.close();
}

/** Thousands of rows, written as of few times. */
async function fillWithMany(file: string, rows: number): Promise<void> {
  const storage = new TypeOrmStorage({
    storage: { type: 'sqlite', database: file },
    migrationsRun: true,
    synchronous: 'normal',
  });
  await storage.open();
  for (let start = 0; start < rows; start += 10_000) {
    const puts = Array.from({ length: Math.min(10_000, rows - start) }, (_, i) => ({
      key: `${start + i}`,
      value: `"value ${start + i}"`,
      expiresAt: null,
    }));
    await writeChanges(storage, [{ namespace: 'many', puts }], 1_700_000_000_000 + start);
  }
  await storage.close();
}

describe('nestjs-durable-cache copy', () => {
  let from: string;
  let to: string;
  let tests = 0;

  beforeEach(() => {
    tests += 1;
    from = join(folder, `${tests}-from.sqlite`);
    to = join(folder, `${tests}-to/cache.sqlite`);
  });

  it('copies every row of every namespace with its expiry and its time but without its stamp, and leaves the source as it was', async () => {
    await fill(from);
    const before = await rowsIn(from);
    const ended = await copy(from, to);
    expect(ended).toMatchObject({
      code: 0,
      output: expect.stringContaining('notes: 26 of 26 rows copied') as string,
    });
    expect(ended.output).toContain('chats: 1 of 1 rows copied');
    expect(ended.output).toContain('chatUsers: 1 of 1 rows copied');
    expect(before).toHaveLength(28);
    expect(before).not.toContainEqual(expect.objectContaining({ version: 0 }));
    expect(await rowsIn(to)).toEqual(unstamped(before));
    expect(await rowsIn(from)).toEqual(before);
  });

  it('makes a database that an application starts on', async () => {
    await fill(from);
    await copy(from, to);
    const app = await startApp([
      CacheModule.forRoot({ storage: { type: 'sqlite', database: to }, namespaces: [notes] }),
    ]);
    const cache = app.get(CacheService);
    expect(await cache.namespace(notes).get('note 24')).toBe('text 24');
    expect(await cache.getChatSettings(1)).toEqual({ lang: 'de', 'ключ 😀': ["it's", '"'] });
    expect(await cache.getUserData(1, 2)).toEqual({ colour: 'green' });
    await app.close();
  });

  it('leaves out what has expired', async () => {
    await fill(from);
    await onFile(from, (db) => db.query(`UPDATE cache_storage SET expires_at = 1 WHERE "key" = 'for a day'`));
    expect((await copy(from, to)).output).toContain('notes: 25 of 25 rows copied');
    expect(await rowsIn(to)).toHaveLength(27);
  });

  it('copies the rows around those whose keys are no text, and says how many it left out', async () => {
    await onFile(from, async (db) => {
      await db.query(
        'CREATE TABLE cache_storage (namespace TEXT, key TEXT, value TEXT, updated_at TIMESTAMP, expires_at bigint, version bigint NOT NULL DEFAULT 0)',
      );
      await db.query(
        `INSERT INTO cache_storage (namespace, key, value) VALUES ('notes', 'a', '1'), ('notes', NULL, '1'), ('notes', X'00FF', '1'), ('notes', 'b', '1')`,
      );
    });
    const ended = await copy(from, to);
    expect(ended.output).toContain('notes: 2 of 4 rows copied, 2 refused\n  2 rows: the key is no text (');
    expect(ended.output).toContain('the target holds every other row of the source');
    expect(ended.code).toBe(3);
    expect((await rowsIn(to)).map((row) => row['key'])).toEqual(['a', 'b']);
  });

  it('changes nothing of a source whose journal mode is another, and adds no table to it', async () => {
    await fill(from);
    await onFile(from, (db) => db.query('PRAGMA journal_mode = DELETE'));
    await copy(from, to);
    expect(await onFile(from, (db) => db.query('PRAGMA journal_mode'))).toEqual([{ journal_mode: 'delete' }]);
  });

  it('copies only the namespaces it is told', async () => {
    await fill(from);
    expect((await copy(from, to, '--namespace', 'chats', '--namespace', 'chatUsers')).code).toBe(0);
    expect((await rowsIn(to)).map((row) => row['namespace'])).toEqual(['chatUsers', 'chats']);
  });

  it('says what it would do in a dry run, and makes nothing', async () => {
    await fill(from);
    const ended = await copy(from, to, '--dry-run');
    expect(ended).toMatchObject({
      code: 0,
      output: expect.stringContaining('notes: 26 of 26 rows to copy') as string,
    });
    expect(existsSync(to)).toBe(false);
    await copy(from, to, '--namespace', 'chats');
    expect((await copy(from, to, '--dry-run')).output).toContain(
      'chats: 0 of 1 rows to copy, 1 there already',
    );
    expect(await rowsIn(to)).toHaveLength(1);
  });

  it('refuses a target with rows of its own, before it writes any, and overwrites but never removes with --force', async () => {
    await fill(from);
    await copy(from, to);
    await onFile(to, async (db) => {
      await db.query(`UPDATE cache_storage SET value = '"theirs"', version = 7 WHERE "key" = 'note 3'`);
      await db.query(`UPDATE cache_storage SET "key" = 'theirs' WHERE "key" = 'note 4'`);
      await db.query(`DELETE FROM cache_storage WHERE namespace = 'chats'`);
    });
    const before = await rowsIn(to);
    const refused = await copy(from, to);
    expect(refused.code).toBe(1);
    expect(refused.output).toMatch(/^TARGET_NOT_EMPTY: .*'notes' \(2\).*--force/m);
    expect(await rowsIn(to)).toEqual(before);
    expect((await copy(from, to, '--force')).code).toBe(0);
    const after = await rowsIn(to);
    expect(after).toHaveLength(29);
    expect(after.find((row) => row['key'] === 'note 3')).toMatchObject({ value: '"text 3"', version: 0 });
    expect(after.find((row) => row['key'] === 'theirs')?.['value']).toBe('"text 4"');
  });

  it('is finished by running it again after it was killed', { timeout: 120_000 }, async () => {
    await fillWithMany(from, 41_000);
    const killed = command('copy', '--from', from, '--to', to);
    await killed.prints(/copying many: 20000 of 41000 rows/);
    killed.kill('SIGKILL');
    await killed.ended;
    const ended = await copy(from, to);
    expect(ended.code).toBe(0);
    const [, there = ''] = /of 41000 rows copied, (\d+) there already/.exec(ended.output) ?? [];
    expect(Number(there)).toBeGreaterThanOrEqual(20_000);
    expect(await rowsIn(to)).toEqual(unstamped(await rowsIn(from)));
    expect((await copy(from, to)).output).toContain('0 of 41000 rows copied, 41000 there already');
  });

  it('says so when the target does not take rows, and goes on when it is run again', async () => {
    await fill(from);
    await fillWithMany(to, 1);
    await onFile(to, async (db) => {
      await db.query('BEGIN IMMEDIATE');
      const ended = await copy(from, to, '--ignore-running');
      expect(ended).toMatchObject({
        code: 1,
        output: expect.stringMatching(/^WRITE_FAILED: .*run the command again/m) as string,
      });
      await db.query('ROLLBACK');
    });
    expect((await copy(from, to)).code).toBe(0);
    expect(await rowsIn(to)).toHaveLength(29);
  });

  it('takes a module that exports a DataSource, and leaves its settings alone', async () => {
    await fill(from);
    const module = join(folder, 'data-source.mjs');
    writeFileSync(
      module,
      `import { DataSource } from ${JSON.stringify(import.meta.resolve('typeorm'))};
       export default new DataSource({ type: 'sqlite', database: ${JSON.stringify(join(folder, 'of-module.sqlite'))} });`,
    );
    expect((await copy(from, module)).code).toBe(0);
    expect(await rowsIn(join(folder, 'of-module.sqlite'))).toEqual(unstamped(await rowsIn(from)));
    expect((await copy(module, to)).code).toBe(0);
    expect(await rowsIn(to)).toEqual(unstamped(await rowsIn(from)));
  });

  it('refuses a source whose rescue journal has not been replayed', async () => {
    await fill(from);
    writeFileSync(`${from}.rescue.ndjson`, '');
    const { code, output } = await copy(from, to);
    expect({ code, output }).toMatchObject({
      code: 1,
      output: expect.stringContaining('rescue journal') as string,
    });
    expect(existsSync(to)).toBe(false);
  });

  it('refuses a target whose rescue journal would be replayed over what was copied', async () => {
    await fill(from);
    await fill(to);
    writeFileSync(`${to}.rescue.ndjson.more-1`, '');
    const { code, output } = await copy(from, to, '--force');
    expect({ code, output }).toMatchObject({
      code: 1,
      output: expect.stringMatching(/--to has a rescue journal/) as string,
    });
  });

  it('names the remedy for a table of an earlier version', async () => {
    await onFile(from, async (db) => {
      await db.query(
        'CREATE TABLE cache_storage (namespace TEXT, "key" TEXT, value TEXT, updated_at TIMESTAMP)',
      );
      await db.query(`INSERT INTO cache_storage VALUES ('chats', '1', '{}', NULL)`);
    });
    expect(await copy(from, to)).toMatchObject({
      code: 1,
      output: expect.stringMatching(
        /^UNSUPPORTED_STORAGE: .*earlier version.*Start the application/m,
      ) as string,
    });
  });

  it('refuses what it can not read from or write to, and names the remedy', async () => {
    await fill(from);
    const missing = await copy(join(folder, 'nowhere.sqlite'), to);
    expect(missing).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^INVALID_OPTION: .*nowhere\.sqlite/) as string,
    });
    expect(existsSync(join(folder, 'nowhere.sqlite'))).toBe(false);
    expect(await copy(from, from)).toMatchObject({
      code: 1,
      output: expect.stringContaining('the same database') as string,
    });
    expect(await copy(from, to, '--namespace', 'chat')).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^UNKNOWN_NAMESPACE: .*'chat'.*'chatUsers', 'chats', 'notes'/m) as string,
    });
    await onFile(join(folder, 'other.sqlite'), (db) => db.query('CREATE TABLE mine (n INTEGER)'));
    expect(await copy(join(folder, 'other.sqlite'), to)).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^UNKNOWN_NAMESPACE: .*--from/m) as string,
    });
    expect(await copy('no-module.mjs', to)).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^INVALID_OPTION: --from names a module/) as string,
    });
  });

  it.each([
    [['copy', '--from', 'a'], '--to is missing'],
    [['copy', '--to', 'a'], '--from is missing'],
    [['copy', '--from', 'a', '--to', 'b', '--overwrite'], 'unknown option'],
    [['copy', '--from'], 'has no value'],
    [['move'], 'The commands are ls, .* copy, verify and journal show'],
    [['copy', '--from', 'a', '--to', 'b', '--values'], 'copy has no option --values'],
    [['copy', 'a', 'b'], 'takes options alone'],
    [[], 'There is no command'],
  ])('exits with 2 when it does not understand %o', async (args, said) => {
    expect(await command(...args).ended).toMatchObject({
      code: 2,
      output: expect.stringMatching(new RegExp(`^INVALID_OPTION: .*${said}.*--help`)) as string,
    });
  });

  it('explains itself', async () => {
    expect(await command('--help').ended).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^Usage/) as string,
    });
    expect(await command('--version').ended).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
    });
  });

  it.each([
    'redis://user:s3cret@localhost/1',
    'postgres://user:s3cret@127.0.0.1:1/none',
    'postgres://u:s3c/ret:@@x:y',
  ])('never prints the credentials of %s', async (address) => {
    await fill(from);
    for (const ended of await Promise.all([
      copy(from, address),
      copy(address, to),
      command('copy', '--from', from, address).ended,
    ])) {
      expect(ended.code).not.toBe(0);
      expect(ended.output).not.toMatch(/s3c/);
      expect(ended.output).toMatch(/^[A-Z_]+: /m);
    }
  });
});
