import type { INestApplicationContext } from '@nestjs/common';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CacheModule, CacheService, defineNamespace, json, stringKey } from '../../src/index.js';
import { startApp } from '../support/nest-app.js';
import { tempFolder } from '../support/temp-folder.js';
import { databaseKinds, type TestDatabase } from './support/databases.js';
import { run, type Ran } from './support/run-command.js';

const folder = tempFolder();
const kinds = await databaseKinds();
const notes = defineNamespace({ name: 'notes', key: stringKey(), value: json<string>() });

function started(
  { options: storage }: TestDatabase,
  instances: 'one' | 'many',
): Promise<INestApplicationContext> {
  return startApp([
    CacheModule.forRoot({
      storage,
      instances,
      namespaces: [notes],
      chatNamespaces: false,
      rescueJournal: false,
    }),
  ]);
}

let files = 0;
/** A file to import, of one note. */
function fileOf(key: string, text: string): string {
  const path = join(folder, `${(files += 1)}.ndjson`);
  const row = { namespace: 'notes', key, value: JSON.stringify(text), expiresAt: null, writtenAt: null };
  const lines = [{ export: 'nestjs-durable-cache', version: 1, database: null }, row, { rows: 1 }];
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
}

describe.each(kinds)('beside running applications on $name', ({ newDatabase }) => {
  const command = (database: TestDatabase, ...args: string[]): Promise<Ran> =>
    run([...args, '--database', database.address]);

  it('writes are seen by those that share the database, which have the keys in memory', async () => {
    const database = await newDatabase();
    const app = await started(database, 'many');
    const cache = app.get(CacheService).namespace(notes);
    for (const key of ['kept', 'removed', 'x1', 'x2', 'changed']) await cache.set(key, 'before');
    expect(cache.getIfPresent('removed')).toBe('before');
    // In memory there is everything, so a key that is not there is known to be absent.
    expect(await cache.get('imported')).toBeUndefined();

    expect(await command(database, 'rm', 'notes', 'removed')).toMatchObject({ code: 0, stderr: '' });
    expect(await cache.get('removed', { fresh: true })).toBeUndefined();
    expect(await command(database, 'rm', 'notes', '--prefix', 'x', '--yes')).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(await cache.get('x1', { fresh: true })).toBeUndefined();
    expect(await command(database, 'import', fileOf('imported', 'new'))).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(await cache.get('imported', { fresh: true })).toBe('new');
    const over = await command(database, 'import', fileOf('changed', 'after'), '--overwrite');
    expect(over).toMatchObject({ code: 0, stderr: '' });
    expect(await cache.get('changed', { fresh: true })).toBe('after');
    expect(cache.getIfPresent('kept')).toBe('before');

    const { stdout } = await command(database, 'stats', '--json');
    const { instances } = JSON.parse(stdout) as {
      instances: { state: string; mode: string; head: number }[];
    };
    const alive = instances.filter(({ state }) => state !== 'stopped');
    expect(alive).toEqual([
      expect.objectContaining({
        about: expect.stringMatching(/, process \d+$/) as string,
        mode: 'many',
        head: 5,
        since: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      }),
    ]);
    expect(instances.filter(({ state }) => state === 'stopped')).toHaveLength(4);
    await app.close();
  });

  it('an update of the application is built on what was imported', async () => {
    const database = await newDatabase();
    const app = await started(database, 'many');
    const cache = app.get(CacheService).namespace(notes);
    await cache.set('a', 'one');
    await command(database, 'import', fileOf('a', 'two'), '--overwrite');
    expect(await cache.update('a', (text) => `${text}, three`)).toBe('two, three');
    await app.close();
    expect(await command(database, 'get', 'notes', 'a')).toMatchObject({ stdout: '"two, three"\n' });
  });

  it('reads work where one has the database to itself, and writes are refused with the remedy', async () => {
    const database = await newDatabase();
    const app = await started(database, 'one');
    await app.get(CacheService).namespace(notes).set('a', 'text');
    expect(await command(database, 'get', 'notes', 'a')).toMatchObject({ code: 0, stdout: '"text"\n' });
    expect(await command(database, 'ls')).toMatchObject({ code: 0, stderr: '' });
    expect(await command(database, 'scan', 'notes')).toMatchObject({ code: 0, stderr: '' });
    expect(await command(database, 'export')).toMatchObject({ code: 0, stderr: '' });
    const stats = await command(database, 'stats', '--json');
    expect(JSON.parse(stats.stdout)).toMatchObject({ instances: [{ mode: 'one' }] });
    for (const args of [
      ['rm', 'notes', 'a'],
      ['rm', 'notes', '--prefix', '', '--yes'],
      ['import', fileOf('b', 'x')],
    ]) {
      const { code, stdout, stderr } = await command(database, ...args);
      expect(stderr).toMatch(
        new RegExp(
          `^INSTANCE_RUNNING: ${args[0]} can't write beside .*instances: 'one'.*instances: 'many'`,
          'm',
        ),
      );
      // It is about the application: the command itself was started with nothing.
      expect(stderr).toMatch(/It is .*, process \d+ \(instances: 'one'\), on /);
      expect(stderr).not.toMatch(/This process|Kubernetes|each of them/);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    }
    for (const args of [
      ['rm', 'notes', 'a', '--dry-run'],
      ['rm', 'notes', '--prefix', '', '--dry-run'],
      ['import', fileOf('b', 'x'), '--dry-run'],
    ]) {
      const { code, stdout, stderr } = await command(database, ...args);
      expect(stdout).toMatch(/^Dry run: /m);
      expect(stderr).toMatch(
        new RegExp(
          `^An application has the database to itself \\(.*, process \\d+\\): ${args[0]} is refused beside it\\. Stop it `,
        ),
      );
      expect(code).toBe(0);
    }
    const cache = app.get(CacheService).namespace(notes);
    expect(await cache.get('a')).toBe('text');
    await cache.set('a', 'still written');
    await app.close();
    expect(await command(database, 'rm', 'notes', 'a', '--dry-run')).toMatchObject({ code: 0, stderr: '' });
    expect(await command(database, 'rm', 'notes', 'a')).toMatchObject({ code: 0 });
  });

  it('a write lets go of the database: one that wants it alone starts at once', async () => {
    const database = await newDatabase();
    await (await started(database, 'one')).close();
    expect(await command(database, 'import', fileOf('a', 'x'))).toMatchObject({ code: 0, stderr: '' });
    const app = await started(database, 'one');
    expect(await app.get(CacheService).namespace(notes).get('a')).toBe('x');
    await app.close();
  });
});
