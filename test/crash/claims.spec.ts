import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import { Child } from '../support/child-process.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';

const CLAIMANT = join(import.meta.dirname, 'claimant.mjs');
const folder = tempFolder();
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.sqlite`);
const postgres = await postgresServer();
const mariadb = await mariadbServer();

type Target = [name: string, newStorage: () => Promise<DataSourceOptions>];
const FILES: Target[] = [
  ['sqlite3', async () => ({ type: 'sqlite', database: newFile() })],
  ['better-sqlite3', async () => ({ type: 'better-sqlite3', database: newFile() })],
];
const SERVERS: Target[] = [];
if (postgres !== undefined)
  SERVERS.push(['PostgreSQL', async () => ({ type: 'postgres', url: await postgres.newDatabase() })]);
if (mariadb !== undefined)
  SERVERS.push(['MariaDB', async () => ({ type: 'mariadb', url: await mariadb.newDatabase() })]);

const children: Child[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    await child.ended;
  }
});

function start(storage: DataSourceOptions): Child {
  const child = new Child(process.execPath, [CLAIMANT, JSON.stringify(storage)]);
  children.push(child);
  return child;
}

/** How long `task` takes, ms. */
async function timed(task: Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await task;
  return performance.now() - begun;
}

describe.each([...FILES, ...SERVERS])('a second process on %s', (_name, newStorage) => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'waits for the first to end, and starts when %s has ended it',
    async (signal) => {
      const storage = await newStorage();
      const first = start(storage);
      await first.prints(/^writes$/m);
      const second = start(storage);
      const [, about] = await second.prints(/waits for another process .*process (\d+) \(instances: 'one'\)/);
      expect(about).toBe(String(first.process.pid));
      expect(second.output).not.toContain('serving');
      first.kill(signal);
      await first.ended;
      expect(await timed(second.prints(/^writes$/m))).toBeLessThan(3000);
    },
  );

  it('starts at once when the first was killed', async () => {
    const storage = await newStorage();
    const first = start(storage);
    await first.prints(/^writes$/m);
    first.kill('SIGKILL');
    await first.ended;
    const second = start(storage);
    await second.prints(/^writes$/m);
    expect(second.output).not.toContain('waits for another');
  });

  it('gives up after 10 s beside one that lives', async () => {
    const storage = await newStorage();
    const first = start(storage);
    await first.prints(/^writes$/m);
    const second = start(storage);
    await second.prints(/waits for another/);
    const waited = await timed(second.ended);
    expect(waited).toBeGreaterThan(9000);
    expect(waited).toBeLessThan(12_000);
    expect((await second.ended).output).toMatch(/not started: INSTANCE_RUNNING .*instances: 'many'/);
    expect(first.output).not.toMatch(/refused|FATAL/);
  });
});

describe.each(SERVERS)('a process on %s that was suspended', (_name, newStorage) => {
  it('is taken over within 12 s, and writes nothing more when it goes on', async () => {
    const storage = await newStorage();
    const first = start(storage);
    await first.prints(/^writes$/m);
    first.kill('SIGSTOP');
    const second = start(storage);
    await second.prints(/waits for another/);
    expect(await timed(second.prints(/^writes$/m))).toBeLessThan(12_000);
    expect(second.output).toMatch(/takes its database over .* no sign of life for 10 s/);
    first.kill('SIGCONT');
    await first.prints(/refused: INSTANCE_RUNNING/);
    expect(first.output.match(/FATAL.*has taken the database of the cache over/g)).toHaveLength(1);
    const db = await new DataSource(storage).initialize();
    for (let look = 0; look < 20; look += 1) {
      const [row] = await db.query<{ value: string }[]>(
        "SELECT value FROM cache_storage WHERE namespace = 'owned'",
      );
      expect(JSON.parse(row?.value ?? '')).toMatchObject({ pid: second.process.pid });
      await delay(10);
    }
    await db.destroy();
    expect(second.output).not.toMatch(/refused/);
  });

  it('goes on where nobody has taken its place', async () => {
    const first = start(await newStorage());
    await first.prints(/^writes$/m);
    first.kill('SIGSTOP');
    await delay(6000);
    first.kill('SIGCONT');
    await delay(500);
    expect(first.output).not.toContain('refused');
  });
});

describe('the lock file of a SQLite database', () => {
  it('stands alone beside it, and is free when the process is gone', async () => {
    const storage = { type: 'better-sqlite3', database: newFile() } as const;
    const first = start(storage);
    await first.prints(/^writes$/m);
    const own = `${storage.database.slice(folder.length + 1)}.lock`;
    const beside = (): string[] => readdirSync(folder).filter((name) => name.startsWith(own));
    expect(beside()).toEqual([own]);
    first.kill('SIGTERM');
    await first.ended;
    expect(beside()).toEqual([own]);
  });
});
