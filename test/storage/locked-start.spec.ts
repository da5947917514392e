import mysql from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { CacheModule, CacheService } from '../../src/index.js';
import { startApp } from '../support/nest-app.js';
import { mariadbServer } from '../support/services.js';

const server = await mariadbServer();

describe.runIf(server !== undefined)('a start on MariaDB', () => {
  it('ends with a remedy where another session has locked the table', async () => {
    const url = (await server?.newDatabase()) ?? '';
    const start = (): ReturnType<typeof startApp> =>
      startApp([CacheModule.forRoot({ storage: { type: 'mariadb', url } })]);
    await (await start()).close();
    const other = await mysql.createConnection(url);
    await other.query('LOCK TABLES cache_storage WRITE');
    await expect(start()).rejects.toMatchObject({
      code: 'STORAGE_OPEN_FAILED',
      message: expect.stringContaining('another session has locked it') as string,
    });
    await other.query('UNLOCK TABLES');
    await (await start()).close();
    await other.end();
  });

  it(
    'leaves no session that waits for a locked table longer than the cache does',
    { timeout: 20_000 },
    async () => {
      const url = (await server?.newDatabase()) ?? '';
      const app = await startApp([
        CacheModule.forRoot({
          storage: { type: 'mariadb', url, extra: { query_timeout: 60_000 } },
          writeTimeoutMs: 100,
        }),
      ]);
      const other = await mysql.createConnection(url);
      await other.query('LOCK TABLES cache_storage WRITE');
      const { chatUsers } = app.get(CacheService);
      // Each on a connection of its own. An attempt under way is waited for, and ends when the server no longer waits for the lock.
      const calls = [chatUsers.set([1, 2], {}), chatUsers.count(), chatUsers.scan().next()];
      const outcomes = await Promise.allSettled(calls);
      expect(outcomes).toMatchObject(
        ['WRITE_FAILED', 'READ_FAILED', 'READ_FAILED'].map((code) => ({ reason: { code } })),
      );
      await other.end();
      await app.close();
    },
  );
});
