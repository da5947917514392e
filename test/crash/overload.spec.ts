import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { CacheModule, CacheService, defineNamespace, json, numberKey } from '../../src/index.js';
import { ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { startApp } from '../support/nest-app.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
const WRITES = 60_000;
const MAX_PENDING = 500;

describe('writers that wait for nothing, and so are faster than any database', () => {
  it.each([ON_CHANGE, ON_SHUTDOWN])('lose nothing, and leave memory bounded (%s)', async (persistence) => {
    const database = join(folder, `${persistence}.sqlite`);
    const many = defineNamespace({
      name: 'many',
      key: numberKey(),
      value: json<{ n: number }>(),
      persistence,
      maxEntries: 100,
    });
    const app = await startApp([
      CacheModule.forRoot({
        storage: { type: 'sqlite', database },
        namespaces: [many],
        maxDirty: MAX_PENDING,
        checkpointIntervalMs: false,
      }),
    ]);
    const cache = app.get(CacheService).namespace(many);

    let acknowledged = 0;
    let unwritten = 0;
    let entries = 0;
    const look = (): void => {
      const { dirty, size } = cache.stats();
      if (persistence === ON_SHUTDOWN) unwritten = Math.max(unwritten, dirty);
      entries = Math.max(entries, size);
    };
    const calls = Array.from({ length: WRITES }, async (_, n) => {
      await cache.set(n, { n });
      acknowledged += 1;
      if (n % 50 === 0) look();
    });
    look();
    await Promise.all(calls);

    expect(acknowledged).toBe(WRITES);
    expect(unwritten).toBeLessThanOrEqual(MAX_PENDING);
    expect(entries).toBeLessThanOrEqual(100);
    await app.close();

    const dataSource = await new DataSource({ type: 'sqlite', database }).initialize();
    const sum = await dataSource.query(
      `SELECT COUNT(*) AS "rows", SUM(json_extract("value", '$.n')) AS "sum" FROM "cache_storage"`,
    );
    expect(sum).toEqual([{ rows: WRITES, sum: (WRITES * (WRITES - 1)) / 2 }]);
    await dataSource.destroy();
  });
});
