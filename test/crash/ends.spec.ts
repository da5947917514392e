import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { beforeEach, describe, expect, it } from 'vitest';
import { CacheModule, CacheService } from '../../src/index.js';
import { Child } from '../support/child-process.js';
import { startApp } from '../support/nest-app.js';
import { tempFolder } from '../support/temp-folder.js';
import { hasJournal } from '../support/journal-files.js';

const folder = tempFolder();
const APP = join(import.meta.dirname, 'busy-app.mjs');
let runs = 0;

describe('a process under load keeps every acknowledged write of both levels', () => {
  let database: string;
  let notes: string;

  beforeEach(() => {
    runs += 1;
    database = join(folder, `${runs}.sqlite`);
    notes = join(folder, `${runs}.ndjson`);
  });

  const run = (end: string): Child => new Child(process.execPath, [APP, database, notes, end]);

  /** Writes of one key are acknowledged in their order: what is stored is the last one noted, or one begun after it. */
  async function expectKept(): Promise<void> {
    const app = await startApp([
      CacheModule.forRoot({
        storage: { type: 'sqlite', database },
        overrides: { chats: { maxEntries: 10_000 } },
      }),
    ]);
    const cache = app.get(CacheService);
    const last = new Map<string, [string, string, number]>();
    for (const line of readFileSync(notes, 'utf8').trimEnd().split('\n')) {
      const note = JSON.parse(line) as [string, string, number];
      last.set(`${note[0]} ${note[1]}`, note);
    }
    expect(last.size).toBeGreaterThan(100);
    for (const [namespace, key, n] of last.values()) {
      const [first = 0, second = 0] = key.split(':').map(Number);
      const stored =
        namespace === 'chats'
          ? (await cache.getChatInfo(first))?.['n']
          : (await cache.getUserData(first, second))['n'];
      expect(stored, `${namespace} ${key}`).toBeGreaterThanOrEqual(n);
    }
    await app.close();
    expect(hasJournal(`${database}.rescue.ndjson`)).toBe(false);
    const dataSource = await new DataSource({ type: 'sqlite', database }).initialize();
    expect(await dataSource.query('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    await dataSource.destroy();
  }

  it.each(['SIGTERM', 'SIGINT'] as const)('when it gets %s', async (signal) => {
    const child = run('signal');
    await child.prints(/\.{2000}/);
    child.kill(signal);
    expect((await child.ended).code).toBe(0);
    await expectKept();
  });

  it('when it gets SIGTERM twice in a row', async () => {
    const child = run('signal');
    await child.prints(/\.{2000}/);
    child.kill('SIGTERM');
    child.kill('SIGTERM');
    expect((await child.ended).code).toBe(0);
    await expectKept();
  });

  it('when it gets SIGTERM again in its next life, while it loads what it kept', async () => {
    const first = run('signal');
    await first.prints(/\.{2000}/);
    first.kill('SIGTERM');
    await first.ended;
    const second = run('signal');
    second.kill('SIGTERM');
    await second.ended;
    await expectKept();
  });

  it.each([
    ['calls process.exit()', 'exit', 3],
    ['ends with an uncaught exception', 'throw', 1],
    ['ends with an unhandled rejection', 'reject', 1],
  ])('when it %s, and says where they are', async (_how, end, code) => {
    const { code: exitCode, output } = await run(end).ended;
    expect(exitCode).toBe(code);
    expect(output).toMatch(
      /ended before the cache had written \d+ entr(y|ies) of namespace 'chats' .*rescue\.ndjson/,
    );
    await expectKept();
  });
});

describe('a process with 100 000 entries', () => {
  const FLUSHING_APP = join(import.meta.dirname, 'flushing-app.mjs');
  const COUNT = 100_000;
  const database = join(folder, 'flushing.sqlite');

  async function countRows(): Promise<unknown> {
    const dataSource = await new DataSource({ type: 'sqlite', database }).initialize();
    const rows = await dataSource.query('SELECT COUNT(*) AS "count" FROM "cache_storage"');
    await dataSource.destroy();
    return rows;
  }

  it('writes all of them when it gets SIGTERM in the middle of a flush', async () => {
    const child = new Child(process.execPath, [FLUSHING_APP, database, `${COUNT}`]);
    await child.prints(/flushing, \d+ left/);
    child.kill('SIGTERM');
    expect((await child.ended).code).toBe(0);
    expect(await countRows()).toEqual([{ count: COUNT }]);
  });

  it(
    'keeps all of them when its next start is ended by SIGTERM at any instant',
    { timeout: 120_000 },
    async () => {
      for (let delayMs = 0; delayMs < 1000; delayMs += 150) {
        const child = new Child(process.execPath, [FLUSHING_APP, database]);
        await child.prints(/starting/);
        const timer = setTimeout(() => child.kill('SIGTERM'), delayMs);
        await child.ended;
        clearTimeout(timer);
      }
      const { output } = await new Child(process.execPath, [FLUSHING_APP, database]).ended;
      expect(output).toContain(`loaded ${COUNT}`);
      expect(await countRows()).toEqual([{ count: COUNT }]);
    },
  );
});
