import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { CacheModule, CacheService, type CacheModuleOptions, type NamespaceCache } from '../../src/index.js';
import { namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { startApp } from '../support/nest-app.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
let files = 0;
const postgres = await postgresServer();
const mariadb = await mariadbServer();

type Storage = NonNullable<CacheModuleOptions['storage']>;

const databases: [name: string, newStorage: () => Promise<Storage>][] = [
  ['SQLite', async () => ({ type: 'sqlite', database: join(folder, `${(files += 1)}.sqlite`) })],
];
if (postgres !== undefined)
  databases.push(['PostgreSQL', async () => ({ type: 'postgres', url: await postgres.newDatabase() })]);
if (mariadb !== undefined)
  databases.push(['MariaDB', async () => ({ type: 'mysql', url: await mariadb.newDatabase() })]);

const HOUR_MS = 3_600_000;

describe.each(databases)('on %s', (_name, newStorage) => {
  it.each([ON_CHANGE, ON_SHUTDOWN])('the operations on one entry survive a restart (%s)', async (level) => {
    const storage = await newStorage();
    // Room for two: most of it has to be read.
    const numbers = namespaceOf<number>(level, { name: 'numbers', maxEntries: 2, ttlMs: HOUR_MS });
    let app: INestApplicationContext | undefined;
    const start = async (): Promise<NamespaceCache<string, number>> => {
      app = await startApp([CacheModule.forRoot({ storage, namespaces: [numbers] })]);
      return app.get(CacheService).namespace(numbers);
    };
    const keys = Array.from({ length: 20 }, (_, i) => `n${i}`);

    let cache = await start();
    await Promise.all(keys.flatMap((key) => [1, 2, 3].map((by) => cache.increment(key, by))));
    const wins = await Promise.all([...keys, 'new'].map((key) => cache.setIfAbsent(key, 0, { ttlMs: null })));
    expect(wins).toEqual([...keys.map(() => false), true]);
    expect(await cache.touch('n1', { ttlMs: 2 * HOUR_MS })).toBe(true);
    expect(await cache.touch('n2', { ttlMs: Infinity })).toBe(true);
    expect(await cache.take('n3')).toBe(6);
    await app?.close();

    cache = await start();
    expect(await cache.getMany(['n0', 'n1', 'n2', 'n3', 'new'])).toEqual([6, 6, 6, undefined, 0]);
    const left = await Promise.all(['n0', 'n1', 'n2', 'n3', 'new'].map((key) => cache.ttl(key)));
    expect(left[0]).toSatisfy((ms: number) => ms > HOUR_MS / 2 && ms <= HOUR_MS);
    expect(left[1]).toSatisfy((ms: number) => ms > HOUR_MS && ms <= 2 * HOUR_MS);
    expect(left.slice(2)).toEqual([null, undefined, null]);
    expect(await cache.refresh('n19')).toBe(6);
    expect(await cache.increment('n19')).toBe(7);
    await app?.close();
  });
});
