import mysql from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { CacheModule } from '../../src/index.js';
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
});
