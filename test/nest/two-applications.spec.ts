import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { INestApplicationContext } from '@nestjs/common';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import {
  CacheModule,
  CacheService,
  InMemoryStorage,
  postgresBackplane,
  type CacheModuleOptions,
  type NamespaceCache,
} from '../../src/index.js';
import { redisBackplane } from '../../src/integrations/redis/index.js';
import { InMemoryBackplane } from '../../src/testing/index.js';
import {
  errorWith,
  increment,
  MEMORY_ONLY,
  namespaceOf,
  ON_CHANGE,
  ON_SHUTDOWN,
} from '../support/definitions.js';
import { NestLog, startApp } from '../support/nest-app.js';
import { mariadbServer, postgresServer, redisServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';

const MAX_STALE_MS = 400;
/** No look comes while a test runs: what shows has come with a message. */
const NEVER_MS = 600_000;

const folder = tempFolder();
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.sqlite`);
const [postgres, mariadb, redis] = await Promise.all([postgresServer(), mariadbServer(), redisServer()]);

type NewStorage = () => Promise<DataSourceOptions>;
const onPostgres: NewStorage = async () => ({ type: 'postgres', url: (await postgres?.newDatabase()) ?? '' });
const onMariadb: NewStorage = async () => ({ type: 'mariadb', url: (await mariadb?.newDatabase()) ?? '' });
const DATABASES = [
  { name: 'sqlite3', newStorage: async () => ({ type: 'sqlite', database: newFile() }) },
  { name: 'better-sqlite3', newStorage: async () => ({ type: 'better-sqlite3', database: newFile() }) },
  { name: 'PostgreSQL', newStorage: onPostgres, isMissing: postgres === undefined },
  { name: 'MariaDB', newStorage: onMariadb, isMissing: mariadb === undefined },
] satisfies { name: string; newStorage: NewStorage; isMissing?: boolean }[];
const WIRES = [
  {
    name: 'NOTIFY of PostgreSQL',
    newStorage: onPostgres,
    newBackplane: () => postgresBackplane(),
    isMissing: postgres === undefined,
  },
  {
    name: 'Redis beside PostgreSQL',
    newStorage: onPostgres,
    newBackplane: () => redisBackplane({ url: redis ?? '' }),
    isMissing: postgres === undefined || redis === undefined,
  },
  {
    name: 'Redis beside MariaDB',
    newStorage: onMariadb,
    newBackplane: () => redisBackplane({ url: redis ?? '' }),
    isMissing: mariadb === undefined || redis === undefined,
  },
];

const carts = namespaceOf<number>(ON_CHANGE, { name: 'carts' });
const drafts = namespaceOf<number>(ON_SHUTDOWN, { name: 'drafts' });
const scratch = namespaceOf<number>(MEMORY_ONLY, { name: 'scratch' });

interface Shop {
  readonly app: INestApplicationContext;
  readonly carts: NamespaceCache<string, number>;
  readonly drafts: NamespaceCache<string, number>;
  readonly scratch: NamespaceCache<string, number>;
  readonly cache: CacheService;
  readonly log: NestLog;
}

const open = new Set<INestApplicationContext>();
afterEach(async () => {
  for (const app of open) await app.close();
  open.clear();
});

async function start(options: CacheModuleOptions): Promise<Shop> {
  const log = new NestLog();
  const app = await startApp(
    [
      CacheModule.forRoot({
        instances: 'many',
        maxStaleMs: MAX_STALE_MS,
        checkpointIntervalMs: false,
        namespaces: [carts, drafts, scratch],
        ...options,
      }),
    ],
    log,
  );
  open.add(app);
  const cache = app.get(CacheService);
  return {
    app,
    cache,
    log,
    carts: cache.namespace(carts),
    drafts: cache.namespace(drafts),
    scratch: cache.namespace(scratch),
  };
}

async function close({ app }: Shop): Promise<void> {
  open.delete(app);
  await app.close();
}

/**
 * Makes a change, and reads until it shows. Gives how long that took since the change was acknowledged; rejects where a read that began
 * later than `maxStaleMs` after it still shows something else.
 */
async function shownAfter(
  change: () => Promise<unknown>,
  read: () => Promise<unknown>,
  expected: unknown,
  maxStaleMs: number,
): Promise<number> {
  await change();
  const acknowledgedAt = performance.now();
  for (;;) {
    const askedAt = performance.now() - acknowledgedAt;
    const seen = await read();
    if (seen === expected) return performance.now() - acknowledgedAt;
    if (askedAt > maxStaleMs) expect(seen).toBe(expected);
    // Memory answers within a turn of the loop, in which nothing can arrive.
    await turn();
  }
}

/** Every kind of change that one makes, and what the other has to see then. */
async function changeEverything(one: Shop, other: Shop, maxStaleMs: number): Promise<number[]> {
  await one.carts.setMany([
    ['a', 1],
    ['b', 1],
    ['c1', 1],
  ]);
  const changes: [change: () => Promise<unknown>, key: string, expected: number | undefined][] = [
    [() => one.carts.set('a', 2), 'a', 2],
    [() => one.carts.update('a', increment), 'a', 3],
    [() => one.carts.delete('a'), 'a', undefined],
    [() => one.carts.setIfAbsent('a', 4), 'a', 4],
    [() => one.carts.rename('a', 'd'), 'd', 4],
    [() => one.carts.deletePrefix('c'), 'c1', undefined],
    [() => one.carts.clear(), 'b', undefined],
  ];
  const took = [];
  for (const [change, key, expected] of changes) {
    // It is in the memory of the other one, as present or as absent.
    await other.carts.get(key);
    took.push(await shownAfter(change, () => other.carts.get(key), expected, maxStaleMs));
  }
  await other.drafts.get('a');
  const flushed = async (): Promise<void> => {
    await one.drafts.set('a', 1);
    await one.drafts.flush();
  };
  took.push(await shownAfter(flushed, () => other.drafts.get('a'), 1, maxStaleMs));
  return took;
}

describe.each(DATABASES.filter(({ isMissing }) => isMissing !== true))(
  'two applications of one process on $name',
  ({ newStorage }) => {
    it('show each what the other has written within maxStaleMs, without a backplane', async () => {
      const storage = await newStorage();
      const one = await start({ storage, backplane: false });
      const other = await start({ storage, backplane: false });
      await changeEverything(one, other, MAX_STALE_MS);
      await changeEverything(other, one, MAX_STALE_MS);
    });

    it('have what is MEMORY_ONLY, and what is not flushed yet, to themselves', async () => {
      const storage = await newStorage();
      const [one, other] = [await start({ storage }), await start({ storage })];
      await one.scratch.set('a', 1);
      await one.drafts.set('a', 1);
      expect(await other.scratch.get('a')).toBeUndefined();
      expect(await other.drafts.get('a', { fresh: true })).toBeUndefined();
      await other.cache.clearNamespace(scratch);
      expect(await one.scratch.get('a')).toBe(1);
    });

    it('work on when the other one has stopped, which leaves what it had not flushed to them', async () => {
      const storage = await newStorage();
      const [one, other] = [await start({ storage }), await start({ storage })];
      await one.carts.set('a', 1);
      await one.drafts.set('a', 1);
      expect((await other.cache.health()).status).toBe('up');
      await close(one);
      expect(await other.carts.get('a', { fresh: true })).toBe(1);
      expect(await other.drafts.get('a', { fresh: true })).toBe(1);
      expect(await other.carts.increment('a')).toBe(2);
      await expect.poll(() => other.cache.health()).toMatchObject({ status: 'up', instances: 1 });
      expect(other.log.lines.filter((line) => /^(?:error|fatal)|for dead/.test(line))).toEqual([]);
      const third = await start({ storage });
      expect(await third.carts.increment('a')).toBe(3);
      expect(await other.carts.get('a', { fresh: true })).toBe(3);
    });

    it('keep one that would be alone away until the last of them has stopped', async () => {
      const storage = await newStorage();
      const [one, other] = [await start({ storage }), await start({ storage })];
      await close(one);
      await expect(start({ storage, instances: 'one' })).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
      await other.carts.set('a', 1);
      await close(other);
      const alone = await start({ storage, instances: 'one' });
      expect(await alone.carts.get('a')).toBe(1);
      await expect(start({ storage })).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
      expect(await alone.carts.increment('a')).toBe(2);
    });

    it('may be given one DataSource as template, which neither closes', async () => {
      const template = await new DataSource(await newStorage()).initialize();
      const [one, other] = [
        await start({ storage: template, instances: 'many' }),
        await start({ storage: template }),
      ];
      await one.carts.set('a', 1);
      await close(one);
      expect(await other.carts.get('a', { fresh: true })).toBe(1);
      await other.carts.set('b', 1);
      await close(other);
      expect(await template.query('SELECT COUNT(*) AS n FROM cache_storage')).toEqual([
        { n: expect.anything() },
      ]);
      await template.destroy();
    });
  },
);

describe.each(WIRES.filter(({ isMissing }) => !isMissing))(
  'two applications with $name',
  ({ newStorage, newBackplane }) => {
    it('show each what the other has written by its messages alone', async () => {
      const storage = await newStorage();
      const waits = { pollMs: NEVER_MS, maxStaleMs: NEVER_MS };
      const one = await start({ storage, backplane: newBackplane(), ...waits });
      const other = await start({ storage, backplane: newBackplane(), ...waits });
      const took = await changeEverything(one, other, 10_000);
      took.push(...(await changeEverything(other, one, 10_000)));
      const median = took.toSorted((a, b) => a - b)[took.length >> 1] ?? Infinity;
      expect(median).toBeLessThan(100);
    });

    it('refuse one backplane for both, and the first goes on with it', async () => {
      const storage = await newStorage();
      const backplane = newBackplane();
      const waits = { pollMs: NEVER_MS, maxStaleMs: NEVER_MS };
      const one = await start({ storage, backplane, ...waits });
      await expect(start({ storage, backplane, ...waits })).rejects.toThrow(errorWith('INVALID_OPTION'));
      const other = await start({ storage, backplane: newBackplane(), ...waits });
      expect(await one.carts.get('a')).toBeUndefined();
      await shownAfter(
        () => other.carts.set('a', 1),
        () => one.carts.get('a'),
        1,
        10_000,
      );
    });
  },
);

describe('two applications on one storage in memory', () => {
  it('share its rows, and the stop of one takes nothing from the other', async () => {
    const storage = new InMemoryStorage();
    const wire = new InMemoryBackplane();
    const one = await start({ storage, backplane: wire.end() });
    const other = await start({ storage, backplane: wire.end() });
    await changeEverything(one, other, MAX_STALE_MS);
    await one.drafts.set('a', 2);
    await close(one);
    expect(await other.drafts.get('a', { fresh: true })).toBe(2);
    await other.carts.set('a', 1);
    await close(other);
    const again = await start({ storage });
    expect(await again.carts.get('a')).toBe(1);
  });
});
