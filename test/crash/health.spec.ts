import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { CacheModule, CacheService, type CacheModuleOptions } from '../../src/index.js';
import { startApp } from '../support/nest-app.js';
import { privateMariadb } from '../support/private-mariadb.js';
import { privatePostgres } from '../support/private-postgres.js';
import { MARIADB, optionsOf, POSTGRES } from '../support/server-kind.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();

/** An application on a database, and its cache. */
async function start(
  storage: CacheModuleOptions['storage'],
): Promise<{ app: INestApplicationContext; cache: CacheService }> {
  const rescueJournal = join(folder, 'health.ndjson');
  const app = await startApp([CacheModule.forRoot({ storage, rescueJournal, checkpointIntervalMs: 50 })]);
  return { app, cache: app.get(CacheService) };
}

/** The end of an outage is seen when the driver has noticed it. */
const isUp = (cache: CacheService): Promise<void> =>
  vi.waitFor(async () => expect(await cache.health()).toMatchObject({ status: 'up', dirty: 0 }), {
    timeout: 20_000,
  });

const KINDS = [
  { kind: POSTGRES, name: 'PostgreSQL', server: await privatePostgres() },
  { kind: MARIADB, name: 'MariaDB', server: await privateMariadb() },
];

for (const { kind, name, server } of KINDS)
  describe.skipIf(server === undefined)(`the health of a cache on ${name}`, () => {
    afterEach(() => server?.revive());
    afterAll(() => server?.remove());

    it('is down while the server is gone, with what waits for it, and up when it is back', async () => {
      const { app, cache } = await start(optionsOf(kind, server?.url ?? ''));
      expect(await cache.health()).toMatchObject({ status: 'up', reasons: [], failingSince: undefined });
      const before = Date.now();
      await server?.stop('SIGKILL');
      await cache.setChatSettings(1, { meanwhile: true });
      await vi.waitFor(() => expect(cache.getStats()['chats']?.writeFailures).toBeGreaterThan(0), {
        timeout: 20_000,
      });
      const health = await cache.health();
      expect(health).toMatchObject({ status: 'down', dirty: 1 });
      expect(health.reasons[0]).toMatch(/The database can't be read \(/);
      expect(health.reasons[1]).toMatch(/Writes have been failing/);
      expect(health.failingSince).toBeGreaterThanOrEqual(before);
      await server?.start();
      await isUp(cache);
      await app.close();
      expect(await cache.health()).toMatchObject({
        status: 'down',
        reasons: ['The cache has been stopped.'],
      });
    });

    it('is down within a second while the server says nothing, and up when it does again', async () => {
      const { app, cache } = await start(optionsOf(kind, server?.url ?? ''));
      await server?.freeze();
      const asked = Array.from({ length: 20 }, () => cache.health());
      for (const health of await Promise.all(asked)) {
        expect(health).toMatchObject({
          status: 'down',
          reasons: ['The database has not answered for 800 ms.'],
        });
      }
      server?.thaw();
      await isUp(cache);
      await app.close();
    });
  });

describe('the health of a cache on a SQLite file', () => {
  it.each(['sqlite', 'better-sqlite3'] as const)('is down when the file is gone (%s)', async (type) => {
    const database = join(folder, `${type}.db`);
    const { app, cache } = await start({ type, database });
    expect(await cache.health()).toMatchObject({ status: 'up' });
    rmSync(database);
    const { status, reasons } = await cache.health();
    expect(status).toBe('down');
    expect(reasons[0]).toBe("The database can't be read (DATABASE_FILE_GONE).");
    await app.close();
  });
});
