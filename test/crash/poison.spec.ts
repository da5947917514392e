import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CacheModule,
  CacheService,
  defineNamespace,
  json,
  numberKey,
  type NamespaceCache,
} from '../../src/index.js';
import { errorWith, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { NestLog, startApp } from '../support/nest-app.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
const COUNT = 10_000;
const POISON = 6_789;
let files = 0;

describe('one entry that the database refuses among 10 000', () => {
  let database: string;
  let dataSource: DataSource;
  let log: NestLog;
  let app: INestApplicationContext;

  /** A namespace, in a database that has a rule of its own about one of its keys. */
  async function start(
    persistence: typeof ON_CHANGE | typeof ON_SHUTDOWN,
  ): Promise<NamespaceCache<number, number>> {
    const many = defineNamespace({ name: 'many', key: numberKey(), value: json<number>(), persistence });
    log = new NestLog();
    app = await startApp(
      [CacheModule.forRoot({ storage: { type: 'sqlite', database }, namespaces: [many] })],
      log,
    );
    dataSource = await new DataSource({ type: 'sqlite', database }).initialize();
    await dataSource.query(
      `CREATE TRIGGER rule BEFORE INSERT ON cache_storage WHEN NEW."key" = '${POISON}' ` +
        `BEGIN SELECT RAISE(ABORT, 'not this one'); END`,
    );
    return app.get(CacheService).namespace(many);
  }

  async function stored(): Promise<number> {
    const rows = await dataSource.query<{ count: number }[]>(
      'SELECT COUNT(*) AS "count" FROM "cache_storage"',
    );
    return rows[0]?.count ?? 0;
  }

  beforeEach(() => {
    database = join(folder, `${(files += 1)}.sqlite`);
  });

  afterEach(async () => {
    await dataSource.destroy();
    await app.close();
  });

  it('is the only ON_CHANGE write that rejects', async () => {
    const cache = await start(ON_CHANGE);
    const outcomes = await Promise.allSettled(Array.from({ length: COUNT }, (_, i) => cache.set(i, i)));
    const rejected = outcomes.flatMap((outcome, i) =>
      outcome.status === 'rejected' ? [[i, outcome.reason]] : [],
    );
    expect(rejected).toEqual([[POISON, errorWith('ENTRY_REFUSED')]]);
    expect(await stored()).toBe(COUNT - 1);
    expect(await cache.get(POISON)).toBeUndefined();
    expect(log.with('refuses 1 entry')).toHaveLength(1);
  });

  it('is the only ON_SHUTDOWN entry that stays behind, is reported once, and is written when it may be', async () => {
    const cache = await start(ON_SHUTDOWN);
    await cache.setMany(Array.from({ length: COUNT }, (_, i) => [i, i] as const));
    const report = await cache.flush();
    expect(report).toMatchObject({ failed: 1, remaining: 1, error: errorWith('ENTRY_REFUSED') });
    expect(await stored()).toBe(COUNT - 1);
    await cache.flush();
    expect(log.with('refuses 1 entry')).toHaveLength(1);
    expect(cache.stats()).toMatchObject({ dirty: 1, refused: 1 });
    expect(await cache.get(POISON)).toBe(POISON);
    await dataSource.query('DROP TRIGGER rule');
    expect(await cache.flush()).toMatchObject({ written: 1, remaining: 0 });
    expect(await stored()).toBe(COUNT);
  });
});
