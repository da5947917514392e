import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Child, type Ended } from '../support/child-process.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';
import { LOOSE_TABLE, run } from './support/raw-table.js';

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

/** A file of rows whose values are all so long. */
async function fileOf(name: string, bytes: number): Promise<string> {
  const database = join(folder, name);
  await run(
    { type: 'better-sqlite3', database },
    LOOSE_TABLE,
    `INSERT INTO cache_storage (namespace, "key", value) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
     SELECT 'n', 'key ' || i, printf('"%.*c%d"', ${bytes}, 'x', i) FROM n`,
  );
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
    const to = await fileOf('large target.sqlite', 500_000);
    // A target needs its key.
    await run({ type: 'sqlite', database: to }, 'CREATE UNIQUE INDEX u ON cache_storage (namespace, "key")');
    const { code, output } = await copyInLittleMemory(await fileOf('small.sqlite', 10), to, '--force');
    expect(output).toContain(`n: ${ROWS} of ${ROWS} rows copied`);
    expect(code).toBe(0);
  });
});
