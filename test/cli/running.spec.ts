import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { CacheModule, CacheService } from '../../src/index.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { startApp } from '../support/nest-app.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';
import { runCopy } from './support/copy-command.js';
import { withStorage } from './support/raw-table.js';

const folder = tempFolder();
const postgres = await postgresServer();
const mariadb = await mariadbServer();

let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.sqlite`);

async function running(storage: DataSourceOptions): Promise<INestApplicationContext> {
  const app = await startApp([CacheModule.forRoot({ storage, rescueJournal: false })]);
  await app.get(CacheService).setUserData(1, 2, 'colour', 'green');
  return app;
}

async function filledFile(): Promise<string> {
  const database = newFile();
  await (await running({ type: 'sqlite', database })).close();
  return database;
}

const refused = (side: string): object => ({
  code: 1,
  output: expect.stringMatching(new RegExp(`^INSTANCE_RUNNING: .*--${side}.*--ignore-running`)) as string,
});

describe.each(['sqlite', 'better-sqlite3'] as const)('an application on a SQLite file, by %s', (type) => {
  it('is noticed on either side as long as it runs', async () => {
    const database = newFile();
    const other = await filledFile();
    const app = await running({ type, database });
    expect(await runCopy(folder, database, newFile())).toMatchObject(refused('from'));
    expect(await runCopy(folder, other, database, '--force')).toMatchObject(refused('to'));
    // By the other driver, too: a module says which.
    for (const by of ['sqlite', 'better-sqlite3']) {
      const module = join(folder, `by ${by} ${(files += 1)}.mjs`);
      writeFileSync(module, `export default ${JSON.stringify({ type: by, database })};`);
      expect(await runCopy(folder, module, newFile())).toMatchObject(refused('from'));
    }
    expect((await runCopy(folder, database, newFile(), '--ignore-running')).code).toBe(0);
    // Nothing is written then.
    const dry = await runCopy(folder, database, newFile(), '--dry-run');
    expect(dry.output).toMatch(/^An application is connected to the database of --from: stop it before/m);
    expect(dry.code).toBe(0);
    await app.get(CacheService).setUserData(1, 3, 'colour', 'blue');
    await app.close();
    const { code, output } = await runCopy(folder, database, newFile());
    expect(output).toContain('chatUsers: 2 of 2 rows copied');
    expect(code).toBe(0);
  });
});

describe.skipIf(postgres === undefined)('an application on PostgreSQL', () => {
  it('is noticed on either side as long as it runs', async () => {
    const url = (await postgres?.newDatabase()) ?? '';
    const app = await running({ type: 'postgres', url });
    expect(await runCopy(folder, url, newFile())).toMatchObject(refused('from'));
    expect(await runCopy(folder, await filledFile(), url, '--force')).toMatchObject(refused('to'));
    expect((await runCopy(folder, url, newFile(), '--ignore-running')).code).toBe(0);
    await app.close();
  });

  it('is noticed by its row, too, whatever its sessions are called', async () => {
    const url = (await postgres?.newDatabase()) ?? '';
    const app = await running({ type: 'postgres', url, applicationName: 'shop' });
    const { code, output } = await runCopy(folder, url, newFile());
    expect(output).toMatch(/^INSTANCE_RUNNING: An application works on --from /m);
    expect(code).toBe(1);
    await app.close();
  });
});

describe.skipIf(mariadb === undefined)('an application on MariaDB', () => {
  it('is noticed by its row as long as it runs', async () => {
    const url = (await mariadb?.newDatabase()) ?? '';
    const app = await running({ type: 'mariadb', url });
    const { code, output } = await runCopy(folder, url, newFile());
    expect(output).toMatch(
      /^INSTANCE_RUNNING: An application works on --from \(.*process \d+\): .*--ignore-running/m,
    );
    expect(code).toBe(1);
    const dry = await runCopy(folder, url, newFile(), '--dry-run');
    expect(dry.output).toMatch(/^An application works on --from .*: stop it before the copy itself\.$/m);
    expect(dry.code).toBe(0);
    expect((await runCopy(folder, url, newFile(), '--ignore-running')).code).toBe(0);
    await app.close();
    expect((await runCopy(folder, url, newFile())).code).toBe(0);
  });
});

describe.skipIf(mariadb === undefined)('other sessions on MariaDB', () => {
  it('are warned of, since nobody can tell whose they are', async () => {
    const url = (await mariadb?.newDatabase()) ?? '';
    await (await running({ type: 'mariadb', url })).close();
    const stranger = await new DataSource({ type: 'mariadb', url }).initialize();
    const { code, output } = await runCopy(folder, url, newFile());
    expect(output).toMatch(/^There (?:is|are) \d+ other sessions? in the database of --from\./m);
    expect(code).toBe(0);
    await stranger.destroy();
  });

  it('are not written beside where one of them is an application', async () => {
    const url = (await mariadb?.newDatabase()) ?? '';
    const app = await running({ type: 'mariadb', url });
    const { code, output } = await runCopy(folder, await filledFile(), url, '--force');
    expect(output).toMatch(/^INSTANCE_RUNNING: --to .*--ignore-running/m);
    expect(code).toBe(1);
    await app.close();
    expect((await runCopy(folder, await filledFile(), url, '--force')).code).toBe(0);
  });
});

describe('a rescue journal', () => {
  it.skipIf(postgres === undefined)('of a server is noticed under data/ of the folder', async () => {
    const url = (await postgres?.newDatabase()) ?? '';
    const journal = await withStorage({ type: 'postgres', url }, async (storage) => {
      const puts = [{ key: 'a', value: '1', expiresAt: null }];
      await writeChanges(storage, [{ namespace: 'n', puts }], 1);
      return storage.rescuePath ?? '';
    });
    expect(journal).toMatch(/^data\//);
    mkdirSync(join(folder, 'data'), { recursive: true });
    writeFileSync(join(folder, journal), '');
    expect(await runCopy(folder, url, newFile())).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^INVALID_OPTION: --from has a rescue journal/) as string,
    });
  });

  it('in a place of its own is noticed where --journal names it', async () => {
    const from = await filledFile();
    const journal = join(folder, 'elsewhere.ndjson');
    expect((await runCopy(folder, from, newFile(), '--journal', journal)).code).toBe(0);
    writeFileSync(`${journal}.more-1`, '');
    expect(await runCopy(folder, from, newFile(), '--journal', 'none', '--journal', journal)).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^INVALID_OPTION: --journal .*elsewhere/) as string,
    });
  });
});
