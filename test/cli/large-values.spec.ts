import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Child, type Ended } from '../support/child-process.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';
import { LOOSE_TABLE, run, withStorage } from './support/raw-table.js';

const MAIN = resolve('dist/src/cli/main.js');
/** Less than half of what the values take; the command itself takes half of it. */
const HEAP_MB = 64;
const ROWS = 300;
const TIMEOUT_MS = 120_000;

const folder = tempFolder();
const postgres = await postgresServer();
const mariadb = await mariadbServer();

function copyInLittleMemory(from: string, to: string, ...options: string[]): Promise<Ended> {
  const args = [`--max-old-space-size=${HEAP_MB}`, MAIN, 'copy', '--from', from, '--to', to, ...options];
  return new Child(process.execPath, args, { cwd: folder }).ended;
}

/** Adds rows whose values are all so long. */
async function fill(database: string, bytes: number): Promise<void> {
  await run(
    { type: 'better-sqlite3', database },
    `INSERT INTO cache_storage (namespace, "key", value) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
     SELECT 'n', 'key ' || i, printf('"%.*c%d"', ${bytes}, 'x', i) FROM n`,
  );
}

/** A file of such rows to copy from. */
async function fileOf(name: string, bytes: number): Promise<string> {
  const database = join(folder, name);
  await run({ type: 'better-sqlite3', database }, LOOSE_TABLE);
  await fill(database, bytes);
  return database;
}

describe('a copy of values larger than the memory of its process', { timeout: TIMEOUT_MS }, async () => {
  const large = await fileOf('large.sqlite', 500_000);

  it.each([
    ['SQLite', async () => join(folder, 'copy.sqlite'), false],
    ['PostgreSQL', async () => (await postgres?.newDatabase()) ?? '', postgres === undefined],
    ['MariaDB', async () => (await mariadb?.newDatabase()) ?? '', mariadb === undefined],
  ])('goes through to %s, and is compared', async (_name, create, isMissing) => {
    if (isMissing) return;
    const to = await create();
    const { code, output } = await copyInLittleMemory(large, to);
    expect(output).toContain(`n: ${ROWS} of ${ROWS} rows copied`);
    expect(code).toBe(0);
  });

  it('goes through where the target has large values, and the source small ones', async () => {
    const to = join(folder, 'large target.sqlite');
    // The cache's own table: a target is written to, and none as loose as a source's is accepted.
    await withStorage({ type: 'better-sqlite3', database: to }, async () => undefined);
    await fill(to, 500_000);
    const { code, output } = await copyInLittleMemory(await fileOf('small.sqlite', 10), to, '--force');
    expect(output).toContain(`n: ${ROWS} of ${ROWS} rows copied`);
    expect(code).toBe(0);
  });
});
