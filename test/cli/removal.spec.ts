import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { CacheModule, CacheService, defineNamespace, json, stringKey } from '../../src/index.js';
import { startApp } from '../support/nest-app.js';
import { tempFolder } from '../support/temp-folder.js';
import { databaseKinds, entry, fill, type TestDatabase } from './support/databases.js';
import { run, runOnTerminal, type Ran } from './support/run-command.js';

const folder = tempFolder();
const kinds = await databaseKinds();
const notes = defineNamespace({ name: 'notes', key: stringKey(), value: json<string>() });
const hasTerminal = existsSync('/usr/bin/script');

const ROWS = { n: ['a', 'ab', 'abc', 'b'].map((key) => entry(key, '1')), other: [entry('a', '1')] };

async function keysIn({ address }: TestDatabase, namespace: string): Promise<string[]> {
  const { stdout } = await run(['scan', namespace, '--database', address]);
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t')[0] ?? '');
}

describe.each(kinds)('rm on $name', ({ newDatabase }) => {
  const rm = (database: TestDatabase, ...args: string[]): Promise<Ran> =>
    run(['rm', 'n', ...args, '--database', database.address]);

  it('removes keys, and names those that are not there', async () => {
    const database = await newDatabase();
    await fill(database, ROWS);
    expect(await rm(database, 'a', 'none', 'b', 'a')).toEqual({
      code: 4,
      stdout: 'n: 2 entries removed\n',
      stderr: "Namespace 'n' has no key 'none'.\n",
    });
    expect(await keysIn(database, 'n')).toEqual(['ab', 'abc']);
    expect(await keysIn(database, 'other')).toEqual(['a']);
  });

  it('removes what begins with a prefix, and everything by an empty one', async () => {
    const database = await newDatabase();
    await fill(database, ROWS);
    expect(await rm(database, '--prefix', 'ab', '--yes')).toMatchObject({
      code: 0,
      stdout: 'n: 2 entries removed\n',
    });
    expect(await keysIn(database, 'n')).toEqual(['a', 'b']);
    expect(await rm(database, '--prefix', '', '--yes')).toMatchObject({
      code: 0,
      stdout: 'n: 2 entries removed\n',
    });
    expect(await keysIn(database, 'other')).toEqual(['a']);
    expect((await run(['scan', 'n', '--database', database.address])).stderr).toMatch(/^UNKNOWN_NAMESPACE/);
  });

  it('only says what it would remove in a dry run', async () => {
    const database = await newDatabase();
    await fill(database, ROWS);
    for (const args of [
      ['a', 'ab'],
      ['--prefix', 'ab'],
    ])
      expect(await rm(database, ...args, '--dry-run')).toEqual({
        code: 0,
        stdout: 'n: 2 entries to remove\nDry run: nothing was removed.\n',
        stderr: '',
      });
    expect(await keysIn(database, 'n')).toHaveLength(4);
  });

  it('tells the instances of a key that has no row, which one of them may be about to store', async () => {
    const database = await newDatabase();
    await fill(database, ROWS);
    expect(await rm(database, 'none')).toMatchObject({ code: 4, stdout: 'n: 0 entries removed\n' });
    const { stdout } = await run(['stats', '--json', '--database', database.address]);
    expect(JSON.parse(stdout)).toMatchObject({ log: { notes: 1 } });
  });

  it('names the namespaces there are where the one that is asked for has no rows, and tells the instances all the same', async () => {
    const database = await newDatabase();
    await fill(database, ROWS);
    const remove = (...args: string[]): Promise<Ran> =>
      run(['rm', 'm', 'a', 'b', ...args, '--database', database.address]);
    const stderr = "UNKNOWN_NAMESPACE: The database has no rows of namespace 'm'. It has 'n', 'other'.\n";
    expect(await remove()).toEqual({ code: 4, stdout: 'm: 0 entries removed\n', stderr });
    expect(await remove('--dry-run')).toMatchObject({ code: 4, stderr });
    const { stdout } = await run(['stats', '--json', '--database', database.address]);
    expect(JSON.parse(stdout)).toMatchObject({ log: { notes: 1 } });
  });

  it('leaves its note with each commit, and is known as an instance that has stopped', async () => {
    const database = await newDatabase();
    await fill(database, ROWS);
    await rm(database, 'a', 'b');
    const { stdout } = await run(['stats', '--json', '--database', database.address]);
    expect(JSON.parse(stdout)).toMatchObject({
      log: { notes: 1 },
      instances: [{ mode: 'many', state: 'stopped', head: 1 }],
    });
  });
});

describe('rm by a prefix', () => {
  const [sqlite] = kinds;

  it('is refused where there is no terminal to ask on', async () => {
    const database = await sqlite!.newDatabase();
    await fill(database, ROWS);
    expect(await run(['rm', 'n', '--prefix', 'a', '--database', database.address])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^INVALID_OPTION: There is no terminal to ask on\. Add --yes/) as string,
    });
    expect(await keysIn(database, 'n')).toHaveLength(4);
  });

  it.skipIf(!hasTerminal)('asks on a terminal, and removes nothing without a yes', async () => {
    const database = await sqlite!.newDatabase();
    await fill(database, ROWS);
    const args = ['rm', 'n', '--prefix', 'a', '--database', database.address];
    const refused = await runOnTerminal(args, 'n\n');
    expect(refused.stdout).toContain("Remove what begins with 'a' from namespace 'n' (3 entries)? [y/N]");
    expect(refused.stdout).toContain('Nothing was removed.');
    expect(refused.code).toBe(1);
    expect(await keysIn(database, 'n')).toHaveLength(4);
    const agreed = await runOnTerminal(args, 'y\n');
    expect(agreed.stdout).toContain('n: 3 entries removed');
    expect(agreed.code).toBe(0);
    expect(await keysIn(database, 'n')).toEqual(['b']);
  });
});

it('a file of the application keeps its journal mode when a command writes to it', async () => {
  const database = join(folder, 'app.sqlite');
  const app = await new DataSource({ type: 'sqlite', database }).initialize();
  const cache = await startApp([
    CacheModule.forRoot({ storage: app, chatNamespaces: false, namespaces: [notes] }),
  ]);
  for (const key of ['a', 'b']) await cache.get(CacheService).namespace(notes).set(key, 'kept');
  await cache.close();
  expect(await run(['rm', 'notes', 'a', '--database', database])).toMatchObject({ code: 0 });
  expect(await app.query('PRAGMA journal_mode')).toEqual([{ journal_mode: 'delete' }]);
  await app.destroy();
});
