import { existsSync, linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';
import { runCopy, startCommand } from './support/copy-command.js';
import { run, withStorage } from './support/raw-table.js';

const folder = tempFolder();
const postgres = await postgresServer();
const mariadb = await mariadbServer();

let modules = 0;
function moduleOf(options: DataSourceOptions): string {
  const path = join(folder, `${(modules += 1)}.mjs`);
  writeFileSync(path, `export default ${JSON.stringify(options)};`);
  return path;
}

function fill(storage: DataSourceOptions, namespace = 'n'): Promise<unknown> {
  const puts = [{ key: 'a', value: '1', expiresAt: null }];
  return withStorage(storage, (opened) => writeChanges(opened, [{ namespace, puts }], 1));
}

/** The same server by another name. */
function respelled(url: string): string {
  const address = new URL(url);
  address.hostname = address.hostname === 'localhost' ? '127.0.0.1' : 'localhost';
  return address.href;
}

const SAME = {
  code: 1,
  output: expect.stringMatching(/^INVALID_OPTION: .*the same database/m) as string,
};

describe('one place by two addresses is noticed', () => {
  it('a SQLite file by a link', async () => {
    const file = join(folder, 'file.sqlite');
    await fill({ type: 'sqlite', database: file });
    symlinkSync(file, join(folder, 'symbolic.sqlite'));
    linkSync(file, join(folder, 'hard.sqlite'));
    for (const to of [
      'file.sqlite',
      'symbolic.sqlite',
      'hard.sqlite',
      '../' + folder.split('/').at(-1) + '/file.sqlite',
    ])
      expect(await runCopy(folder, file, to)).toMatchObject(SAME);
  });

  it.skipIf(postgres === undefined)(
    'a PostgreSQL database by another name of its host, and by its schema',
    async () => {
      const url = (await postgres?.newDatabase()) ?? '';
      await fill({ type: 'postgres', url });
      const options = { type: 'postgres', url, schema: 'public' } as const;
      for (const to of [respelled(url), url.replace('postgres:', 'postgresql:'), moduleOf(options)])
        expect(await runCopy(folder, url, to)).toMatchObject(SAME);
    },
  );

  it.skipIf(mariadb === undefined)('a MariaDB database by another name of its host', async () => {
    const url = (await mariadb?.newDatabase()) ?? '';
    await fill({ type: 'mariadb', url });
    for (const to of [respelled(url), url.replace(/^\w+:/, 'mariadb:')])
      expect(await runCopy(folder, url, to)).toMatchObject(SAME);
  });
});

describe.skipIf(postgres === undefined)('two schemas of one PostgreSQL database', () => {
  it('are two places', async () => {
    const url = (await postgres?.newDatabase()) ?? '';
    const options = { type: 'postgres', url } as const;
    await run(options, 'CREATE SCHEMA one', 'CREATE SCHEMA two');
    await fill({ ...options, schema: 'one' });
    const to = { ...options, schema: 'two' } as const;
    const { code, output } = await runCopy(folder, moduleOf({ ...options, schema: 'one' }), moduleOf(to));
    expect(output).toMatch(/^From: .*, schema one\nTo: .*, schema two\nn: 1 of 1 rows copied$/m);
    expect(code).toBe(0);
    expect(await withStorage(to, (storage) => storage.count('n', 1))).toBe(1);
  });
});

describe('a place where no SQLite file can be', () => {
  const source = join(folder, 'to-copy.sqlite');

  it('is a folder: the refusal says which file to name, and naming it does', async () => {
    await fill({ type: 'sqlite', database: source });
    const target = join(folder, 'target');
    mkdirSync(target);
    for (const name of [target, `${target}/`]) {
      for (const options of [[], ['--dry-run']]) {
        const { code, output } = await runCopy(folder, source, name, ...options);
        expect(output).toBe(
          `UNSUPPORTED_STORAGE: ${name} is a folder: name a file in it, such as ${join(target, 'cache.sqlite')}.\n`,
        );
        expect(code).toBe(1);
      }
    }
    expect(readdirSync(target)).toEqual([]);
    expect(await runCopy(folder, source, join(target, 'cache.sqlite'))).toMatchObject({ code: 0 });
  });

  it('is behind a file', async () => {
    await fill({ type: 'sqlite', database: source });
    const { code, output } = await runCopy(folder, source, join(source, 'cache.sqlite'));
    expect(output).toMatch(/^STORAGE_OPEN_FAILED: .*can't be created \(ENOTDIR\)/m);
    expect(code).toBe(1);
  });

  // Node's own way to make folders never comes back from there.
  it.skipIf(!existsSync('/proc/self'))('is on a file system that has no room for it', async () => {
    await fill({ type: 'sqlite', database: source });
    const target = '/proc/none/deeper/cache.sqlite';
    const child = startCommand(folder, 'copy', '--from', source, '--to', target);
    onTestFinished(() => child.kill('SIGKILL'));
    const { code, output } = await child.ended;
    expect(output).toMatch(/^STORAGE_OPEN_FAILED: .*can't be created \(ENOENT\)/m);
    expect(code).toBe(1);
  });
});
