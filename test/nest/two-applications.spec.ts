import { setImmediate as turn } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { InMemoryStorage, postgresBackplane } from '../../src/index.js';
import { redisBackplane } from '../../src/integrations/redis/index.js';
import { InMemoryBackplane } from '../../src/testing/index.js';
import { errorWith, increment } from '../support/definitions.js';
import { redisServer } from '../support/services.js';
import {
  MAX_STALE_MS,
  onMariadb,
  onPostgres,
  scratch,
  SHOP_DATABASES,
  Shops,
  type Shop,
} from '../support/shops.js';

/** No look comes while a test runs: what shows has come with a message. */
const NEVER_MS = 600_000;

const redis = await redisServer();
const newRedis = () => redisBackplane({ url: redis ?? '' });
const onRedis = redis !== undefined;
const WIRES = [
  { name: 'NOTIFY of PostgreSQL', newStorage: onPostgres, newBackplane: () => postgresBackplane() },
  { name: 'Redis beside PostgreSQL', newStorage: onRedis ? onPostgres : undefined, newBackplane: newRedis },
  { name: 'Redis beside MariaDB', newStorage: onRedis ? onMariadb : undefined, newBackplane: newRedis },
].flatMap(({ newStorage, ...wire }) => (newStorage === undefined ? [] : [{ ...wire, newStorage }]));

const shops = new Shops();

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

describe.each(SHOP_DATABASES)('two applications of one process on $name', ({ newStorage }) => {
  it('show each what the other has written within maxStaleMs, without a backplane', async () => {
    // On a busy machine a look may take longer than reads wait for it, and then memory would answer.
    const options = { storage: await newStorage(), backplane: false, staleWhileDownMs: 0 } as const;
    const [one, other] = await shops.startTwo(options);
    await changeEverything(one, other, MAX_STALE_MS);
    await changeEverything(other, one, MAX_STALE_MS);
  });

  it('have what is MEMORY_ONLY, and what is not flushed yet, to themselves', async () => {
    const storage = await newStorage();
    const [one, other] = await shops.startTwo({ storage });
    await one.scratch.set('a', 1);
    await one.drafts.set('a', 1);
    expect(await other.scratch.get('a')).toBeUndefined();
    expect(await other.drafts.get('a', { fresh: true })).toBeUndefined();
    await other.cache.clearNamespace(scratch);
    expect(await one.scratch.get('a')).toBe(1);
  });

  it('work on when the other one has stopped, which leaves what it had not flushed to them', async () => {
    const storage = await newStorage();
    const [one, other] = await shops.startTwo({ storage });
    await one.carts.set('a', 1);
    await one.drafts.set('a', 1);
    expect((await other.cache.health()).status).toBe('up');
    await shops.close(one);
    expect(await other.carts.get('a', { fresh: true })).toBe(1);
    expect(await other.drafts.get('a', { fresh: true })).toBe(1);
    expect(await other.carts.increment('a')).toBe(2);
    await expect.poll(() => other.cache.health()).toMatchObject({ status: 'up', instances: 1 });
    expect(other.log.lines.filter((line) => /^(?:error|fatal)|for dead/.test(line))).toEqual([]);
    const third = await shops.start({ storage });
    expect(await third.carts.increment('a')).toBe(3);
    expect(await other.carts.get('a', { fresh: true })).toBe(3);
  });

  it('keep one that would be alone away until the last of them has stopped', async () => {
    const storage = await newStorage();
    const [one, other] = await shops.startTwo({ storage });
    await shops.close(one);
    await expect(shops.start({ storage, instances: 'one' })).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
    await other.carts.set('a', 1);
    await shops.close(other);
    const alone = await shops.start({ storage, instances: 'one' });
    expect(await alone.carts.get('a')).toBe(1);
    await expect(shops.start({ storage })).rejects.toThrow(errorWith('INSTANCE_RUNNING'));
    expect(await alone.carts.increment('a')).toBe(2);
  });

  it('may be given one DataSource as template, which neither closes', async () => {
    const template = await new DataSource(await newStorage()).initialize();
    const [one, other] = [
      await shops.start({ storage: template, instances: 'many' }),
      await shops.start({ storage: template }),
    ];
    await one.carts.set('a', 1);
    await shops.close(one);
    expect(await other.carts.get('a', { fresh: true })).toBe(1);
    await other.carts.set('b', 1);
    await shops.close(other);
    expect(await template.query('SELECT COUNT(*) AS n FROM cache_storage')).toEqual([
      { n: expect.anything() },
    ]);
    await template.destroy();
  });
});

describe.each(WIRES)('two applications with $name', ({ newStorage, newBackplane }) => {
  it('show each what the other has written by its messages alone', async () => {
    const storage = await newStorage();
    const waits = { pollMs: NEVER_MS, maxStaleMs: NEVER_MS };
    const one = await shops.start({ storage, backplane: newBackplane(), ...waits });
    const other = await shops.start({ storage, backplane: newBackplane(), ...waits });
    const took = await changeEverything(one, other, 10_000);
    took.push(...(await changeEverything(other, one, 10_000)));
    const median = took.toSorted((a, b) => a - b)[took.length >> 1] ?? Infinity;
    expect(median).toBeLessThan(100);
  });

  it('refuse one backplane for both, and the first goes on with it', async () => {
    const storage = await newStorage();
    const backplane = newBackplane();
    const waits = { pollMs: NEVER_MS, maxStaleMs: NEVER_MS };
    const one = await shops.start({ storage, backplane, ...waits });
    await expect(shops.start({ storage, backplane, ...waits })).rejects.toThrow(errorWith('INVALID_OPTION'));
    const other = await shops.start({ storage, backplane: newBackplane(), ...waits });
    expect(await one.carts.get('a')).toBeUndefined();
    await shownAfter(
      () => other.carts.set('a', 1),
      () => one.carts.get('a'),
      1,
      10_000,
    );
  });
});

describe('two applications on one storage in memory', () => {
  it('share its rows, and the stop of one takes nothing from the other', async () => {
    const storage = new InMemoryStorage();
    const wire = new InMemoryBackplane();
    const one = await shops.start({ storage, backplane: wire.end() });
    const other = await shops.start({ storage, backplane: wire.end() });
    await changeEverything(one, other, MAX_STALE_MS);
    await one.drafts.set('a', 2);
    await shops.close(one);
    expect(await other.drafts.get('a', { fresh: true })).toBe(2);
    await other.carts.set('a', 1);
    await shops.close(other);
    const again = await shops.start({ storage });
    expect(await again.carts.get('a')).toBe(1);
  });
});
