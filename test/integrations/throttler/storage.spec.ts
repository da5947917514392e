import type { INestApplicationContext } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  CacheModule,
  CachePersistenceLevel,
  CacheService,
  defineNamespace,
  InMemoryStorage,
  json,
  stringKey,
  type CacheModuleOptions,
  type NamespaceCache,
} from '../../../src/index.js';
import {
  DurableThrottlerStorage,
  throttlerNamespace,
  type HitRecord,
  type ThrottlerNamespaceOptions,
  type ThrottlerStorageOptions,
} from '../../../src/integrations/throttler/index.js';
import { FaultyStorage, TestClock } from '../../../src/testing/index.js';
import { errorWith } from '../../support/definitions.js';
import { startApp } from '../../support/nest-app.js';

const { MEMORY_ONLY, ON_CHANGE } = CachePersistenceLevel;
const MINUTE_MS = 60_000;

let clock: TestClock;
let storage: FaultyStorage;
let app: INestApplicationContext | undefined;
let records: NamespaceCache<string, HitRecord>;

async function newStorage(
  namespace: Partial<ThrottlerNamespaceOptions> = {},
  options: ThrottlerStorageOptions = {},
  module: CacheModuleOptions = {},
): Promise<DurableThrottlerStorage> {
  const hits = throttlerNamespace({ name: 'hits', ...namespace });
  app = await startApp([CacheModule.forRoot({ storage, clock, namespaces: [hits], ...module })]);
  records = app.get(CacheService).namespace(hits);
  return new DurableThrottlerStorage(records, { clock, ...options });
}

beforeEach(() => {
  clock = new TestClock();
  storage = new FaultyStorage(new InMemoryStorage(), clock);
});

afterEach(async () => {
  storage.heal();
  // A write that is tried again waits for its time.
  if (app !== undefined) await clock.advanceUntil(app.close());
  app = undefined;
});

describe('what a DurableThrottlerStorage keeps', () => {
  it('is in memory alone unless the namespace says more', async () => {
    await newStorage();
    expect(records.definition).toMatchObject({ persistence: MEMORY_ONLY, maxEntries: 10_000 });
  });

  it.each([MEMORY_ONLY, ON_CHANGE])(
    'expires when hits, window and block are over (%s)',
    async (persistence) => {
      const hits = await newStorage({ persistence });
      await hits.increment('a', 1000, 1, 5000, 'default');
      await hits.increment('a', 1000, 1, 5000, 'default');
      await clock.advance(4999);
      expect(await records.count()).toBe(1);
      await clock.advance(1);
      expect(await records.count()).toBe(0);
    },
  );

  it('lives as long as the longest of the windows that share a key', async () => {
    const hits = await newStorage({ persistence: ON_CHANGE });
    await hits.increment('a', MINUTE_MS, 5, MINUTE_MS, 'long');
    await hits.increment('a', 1000, 5, 1000, 'short');
    await clock.advance(2000);
    expect(await hits.increment('a', MINUTE_MS, 5, MINUTE_MS, 'long')).toMatchObject({ totalHits: 2 });
  });

  it('lasts over restarts also where a block never ends', async () => {
    const hit = (hits: DurableThrottlerStorage) => hits.increment('a', Infinity, 1, Infinity, 'default');
    const before = await newStorage({ persistence: ON_CHANGE });
    await hit(before);
    await hit(before);
    await app?.close();
    const after = await newStorage({ persistence: ON_CHANGE });
    await clock.advance(10 * MINUTE_MS);
    expect(await hit(after)).toEqual({
      totalHits: 2,
      timeToExpire: Infinity,
      isBlocked: true,
      timeToBlockExpire: Infinity,
    });
    expect(await after.reset('a')).toBe(true);
    expect(await hit(after)).toMatchObject({ totalHits: 1, isBlocked: false });
  });

  it('is bounded by maxEntries, past which the key that was hit least recently starts anew in memory', async () => {
    const hits = await newStorage({ maxEntries: 2 });
    const totalOf = async (key: string) => (await hits.increment(key, MINUTE_MS, 5, 0, 'default')).totalHits;
    for (const key of ['a', 'b', 'a', 'c']) await totalOf(key);
    expect(records.size).toBe(2);
    expect(await totalOf('a')).toBe(3);
    expect(await totalOf('b')).toBe(1);
  });

  it('is not bounded so where it is persisted: what memory has no room for is read', async () => {
    const hits = await newStorage({ maxEntries: 1, persistence: ON_CHANGE });
    for (const key of ['a', 'b']) await hits.increment(key, MINUTE_MS, 5, 0, 'default');
    expect(await hits.increment('a', MINUTE_MS, 5, 0, 'default')).toMatchObject({ totalHits: 2 });
  });

  it.each([
    ['a block', 5000],
    ['a window', 0],
  ])('is not written while a key is refused because of %s', async (_what, blockDuration) => {
    const hits = await newStorage({ persistence: ON_CHANGE });
    const hit = () => hits.increment('a', MINUTE_MS, 1, blockDuration, 'default');
    await hit();
    await hit();
    const { written } = records.stats();
    for (let i = 0; i < 10; i += 1) expect(await hit()).toMatchObject({ isBlocked: true });
    expect(records.stats().written).toBe(written);
  });

  it.each([
    ['a block', 2, 10 * MINUTE_MS],
    ['a limit of 0', 0, 0],
  ])('is not written by hits that %s refuses, window after window', async (_what, limit, blockDuration) => {
    const hits = await newStorage({ persistence: ON_CHANGE });
    const hit = () => hits.increment('a', MINUTE_MS, limit, blockDuration, 'default');
    await hit();
    await clock.advance(MINUTE_MS - 10);
    await hit();
    await hit();
    const { written } = records.stats();
    await clock.advance(20);
    for (let i = 0; i < 5; i += 1) expect(await hit()).toMatchObject({ isBlocked: true, timeToExpire: 60 });
    await clock.advance(20_000);
    expect(await hit()).toMatchObject({ isBlocked: true, timeToExpire: 40 });
    expect(records.stats().written).toBe(written);
  });

  it('is not written by refused hits of a key that memory had no room for', async () => {
    const hits = await newStorage({ persistence: ON_CHANGE, maxEntries: 1 });
    const hit = (key: string) => hits.increment(key, MINUTE_MS, 1, MINUTE_MS, 'default');
    for (const key of ['a', 'a', 'b']) await hit(key);
    const { written } = records.stats();
    expect(await hit('a')).toMatchObject({ isBlocked: true });
    expect(records.stats().written).toBe(written);
  });

  it('counts hits at the same time one by one', async () => {
    const hits = await newStorage({ persistence: ON_CHANGE });
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => hits.increment('a', MINUTE_MS, 20, 0, 'default')),
    );
    expect(outcomes.filter(({ isBlocked }) => !isBlocked).map(({ totalHits }) => totalHits)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
  });

  it('takes keys of any kind, and keeps those apart that differ', async () => {
    const hits = await newStorage({ persistence: ON_CHANGE });
    const keys = ['', 'a b', 'é', '\0', 'x'.repeat(1000), `${'x'.repeat(1000)}y`, '127.0.0.1'];
    for (const key of keys) {
      expect(await hits.increment(key, MINUTE_MS, 5, 0, 'default')).toMatchObject({ totalHits: 1 });
      expect(await hits.increment(key, MINUTE_MS, 5, 0, 'default')).toMatchObject({ totalHits: 2 });
    }
    expect(await records.count()).toBe(keys.length);
    expect(await records.has('127.0.0.1')).toBe(true);
  });
});

describe('a key', () => {
  const hit = (hits: DurableThrottlerStorage, key: unknown) =>
    hits.increment(key as string, MINUTE_MS, 1, MINUTE_MS, 'default');

  it('that looks like the stored form of another one does not share its count', async () => {
    const hits = await newStorage({ persistence: ON_CHANGE });
    await hit(hits, 'é');
    const [stored = ''] = [...records.keys()];
    expect(stored).toMatch(/^sha256:/);
    expect(await hit(hits, stored)).toMatchObject({ totalHits: 1 });
    expect(await hit(hits, 'é')).toMatchObject({ totalHits: 2 });
  });

  it('that differs from another one in a lone surrogate does not share its count', async () => {
    const hits = await newStorage({ persistence: ON_CHANGE });
    for (const key of ['\uD800', '\uD801', '\uFFFD'])
      expect(await hit(hits, key)).toMatchObject({ totalHits: 1 });
  });

  it('that is a number counts as its text, and any other is refused with the remedy', async () => {
    const hits = await newStorage({ persistence: ON_CHANGE });
    expect(await hit(hits, 5)).toMatchObject({ totalHits: 1 });
    expect(await hit(hits, '5')).toMatchObject({ totalHits: 2 });
    for (const key of [undefined, null, {}, Symbol('key')]) {
      await expect(hit(hits, key)).rejects.toThrow(errorWith('INVALID_KEY'));
      await expect(hit(hits, key)).rejects.toThrow(/Return a string from generateKey/);
    }
  });

  it.each(['127.0.0.1', 'é', 'x'.repeat(201)])('is let in again by reset (%s)', async (key) => {
    const hits = await newStorage({ persistence: ON_CHANGE });
    await hit(hits, key);
    expect(await hit(hits, key)).toMatchObject({ isBlocked: true });
    expect(await hits.reset(key)).toBe(true);
    expect(await hits.reset(key)).toBe(false);
    expect(await hit(hits, key)).toMatchObject({ totalHits: 1, isBlocked: false });
  });
});

describe('while the database is away', () => {
  const hit = (hits: DurableThrottlerStorage) => hits.increment('a', MINUTE_MS, 1, MINUTE_MS, 'default');

  it('a hit rejects after writeTimeoutMs', async () => {
    const hits = await newStorage({ persistence: ON_CHANGE });
    storage.failWrites(Infinity);
    await expect(clock.advanceUntil(hit(hits))).rejects.toThrow(errorWith('WRITE_FAILED'));
  });

  it("hits count in memory with whenUnavailable 'allow'; the first one waits, and none behind it", async () => {
    const hits = await newStorage({ persistence: ON_CHANGE }, { whenUnavailable: 'allow' });
    storage.failWrites(Infinity);
    const first = { totalHits: 1, timeToExpire: 60, isBlocked: false, timeToBlockExpire: 0 };
    expect(await clock.advanceUntil(hit(hits))).toEqual(first);
    const isOver = { totalHits: 2, isBlocked: true };
    for (let i = 0; i < 10; i += 1) expect(await hit(hits)).toMatchObject(isOver);
    // One at a time is tried behind them.
    for (const key of ['b', 'c']) await hits.increment(key, MINUTE_MS, 1, MINUTE_MS, 'default');
    await clock.settle();
    expect(records.stats().updates).toBe(2);
  });

  it("hits go on in memory from what the database had counted with 'allow'", async () => {
    const hits = await newStorage({ persistence: ON_CHANGE }, { whenUnavailable: 'allow' });
    const third = () => hits.increment('a', MINUTE_MS, 2, 0, 'default');
    await third();
    storage.failWrites(Infinity);
    expect(await clock.advanceUntil(third())).toMatchObject({ totalHits: 2, isBlocked: false });
    expect(await third()).toMatchObject({ totalHits: 3, isBlocked: true });
  });

  it("limits hold in the first burst after an outage with 'allow', however many come at once", async () => {
    const hits = await newStorage({ persistence: ON_CHANGE }, { whenUnavailable: 'allow' });
    storage.failWrites(Infinity);
    await clock.advanceUntil(hit(hits));
    await clock.advance(MINUTE_MS);
    storage.heal();
    await clock.advance(MINUTE_MS);
    const login = () => hits.increment('login', MINUTE_MS, 3, MINUTE_MS, 'default');
    const passed = async () =>
      (await Promise.all(Array.from({ length: 500 }, login))).filter(({ isBlocked }) => !isBlocked).length;
    expect(await passed()).toBe(3);
    await clock.settle();
    expect(await passed()).toBe(0);
  });

  it("what was counted in memory is written once the database is back, each hit once, with 'allow'", async () => {
    const hits = await newStorage({ persistence: ON_CHANGE }, { whenUnavailable: 'allow' });
    const next = (key: string) => hits.increment(key, 10 * MINUTE_MS, 9, 0, 'default');
    await next('a');
    storage.failWrites(Infinity);
    await clock.advanceUntil(next('a'));
    for (const key of ['a', 'b', 'b']) await next(key);
    storage.heal();
    expect(await next('b')).toMatchObject({ totalHits: 3 });
    await clock.advance(1000);
    expect(await next('a')).toMatchObject({ totalHits: 4 });
    expect(await next('b')).toMatchObject({ totalHits: 4 });
    const ends = async (key: string) => (await records.refresh(key))?.hits['default'];
    expect(await ends('a')).toHaveLength(4);
    expect(await ends('b')).toHaveLength(4);
  });

  it("counts of maxEntries keys fit into memory with 'allow', past which the one hit least recently starts anew", async () => {
    const hits = await newStorage({ persistence: ON_CHANGE, maxEntries: 2 }, { whenUnavailable: 'allow' });
    storage.failWrites(Infinity);
    const totalOf = async (key: string) => (await hits.increment(key, MINUTE_MS, 5, 0, 'default')).totalHits;
    await clock.advanceUntil(totalOf('a'));
    for (const key of ['b', 'a', 'c']) await totalOf(key);
    expect(await totalOf('a')).toBe(3);
    expect(await totalOf('b')).toBe(1);
  });

  it.each(['reject', 'allow'] as const)(
    'who is blocked stays blocked to the end of the block, however many windows pass (%s)',
    async (whenUnavailable) => {
      const hits = await newStorage({ persistence: ON_CHANGE }, { whenUnavailable });
      const blocked = () => hits.increment('a', MINUTE_MS, 1, 10 * MINUTE_MS, 'default');
      await blocked();
      await blocked();
      storage.failWrites(Infinity);
      for (let i = 0; i < 9; i += 1) {
        await clock.advance(MINUTE_MS);
        expect(await blocked()).toMatchObject({ isBlocked: true, timeToExpire: 60 });
      }
    },
  );

  it.each(['reject', 'allow'] as const)(
    'who is blocked stays so past staleWhileDownMs, too, after which memory answers for nobody else (%s)',
    async (whenUnavailable) => {
      const module = { instances: 'many', staleWhileDownMs: 5000 } as const;
      const hits = await newStorage({ persistence: ON_CHANGE }, { whenUnavailable }, module);
      const blocked = () => hits.increment('a', MINUTE_MS, 1, 10 * MINUTE_MS, 'default');
      await blocked();
      await blocked();
      storage.failWrites(Infinity);
      storage.failReads(Infinity);
      await clock.advance(2 * MINUTE_MS);
      await expect(clock.advanceUntil(records.get('a'))).rejects.toThrow(errorWith('READ_FAILED'));
      expect(await clock.advanceUntil(blocked())).toMatchObject({ isBlocked: true, timeToExpire: 60 });
    },
  );

  it('who is let in again by reset is not refused by what memory has seen', async () => {
    const hits = await newStorage({ persistence: ON_CHANGE }, { whenUnavailable: 'allow' });
    for (let i = 0; i < 3; i += 1) await hit(hits);
    expect(await hits.reset('a')).toBe(true);
    storage.failWrites(Infinity);
    expect(await clock.advanceUntil(hit(hits))).toMatchObject({ totalHits: 1, isBlocked: false });
  });

  it("what is not the database's fault rejects with 'allow', too", async () => {
    const hits = await newStorage({ persistence: ON_CHANGE }, { whenUnavailable: 'allow' });
    await app?.close();
    await expect(hit(hits)).rejects.toThrow(errorWith('CACHE_CLOSED'));
  });

  it('hits count on where the level needs no database', async () => {
    const hits = await newStorage();
    storage.failWrites(Infinity);
    storage.failReads(Infinity);
    expect(await hit(hits)).toMatchObject({ totalHits: 1 });
    expect(await hit(hits)).toMatchObject({ totalHits: 2, isBlocked: true });
  });
});

describe('a key that another instance has blocked', () => {
  const started: INestApplicationContext[] = [];

  afterEach(async () => {
    storage.heal();
    for (const one of started.splice(0)) await clock.advanceUntil(one.close());
  });

  async function instance() {
    const shared = throttlerNamespace({ name: 'hits', persistence: ON_CHANGE });
    const options = { storage, clock, namespaces: [shared], instances: 'many' } as const;
    const one = await startApp([CacheModule.forRoot(options)]);
    started.push(one);
    const namespace = one.get(CacheService).namespace(shared);
    const hits = new DurableThrottlerStorage(namespace, { clock });
    return { namespace, hit: () => hits.increment('a', MINUTE_MS, 1, MINUTE_MS, 'default') };
  }

  it('is read once to refuse it, and then refused from memory', async () => {
    const [one, other] = [await instance(), await instance()];
    await one.hit();
    await one.hit();
    expect(await other.hit()).toMatchObject({ totalHits: 2, isBlocked: true });
    // The read behind the answer.
    await other.namespace.get('a');
    const { storageReads, updates } = other.namespace.stats();
    expect(storageReads).toBe(1);
    for (let i = 0; i < 10; i += 1) expect(await other.hit()).toMatchObject({ isBlocked: true });
    expect(other.namespace.stats()).toMatchObject({ storageReads, updates, written: 0 });
  });

  it('is refused at once while the database is away, where it was refused before', async () => {
    const [one, other] = [await instance(), await instance()];
    await one.hit();
    await one.hit();
    await other.hit();
    await other.namespace.get('a');
    storage.failReads(Infinity);
    storage.failWrites(Infinity);
    expect(await other.hit()).toMatchObject({ isBlocked: true });
  });

  it('is refused without a wait for the read that lets memory know it', async () => {
    const [one, other] = [await instance(), await instance()];
    await one.hit();
    await one.hit();
    vi.spyOn(storage, 'read').mockReturnValue(new Promise(() => undefined));
    expect(await other.hit()).toMatchObject({ isBlocked: true });
    vi.restoreAllMocks();
  });

  it('costs no read beside its update where hits count', async () => {
    const [one, other] = [await instance(), await instance()];
    await one.hit();
    const before = other.namespace.stats().storageReads;
    await other.hit();
    expect(other.namespace.stats().storageReads).toBe(before);
  });
});

describe('bad input', () => {
  it.each([
    ['ttl', 'text', ['1000', 1, 1000]],
    ['ttl', 'NaN', [NaN, 1, 1000]],
    ['limit', 'text', [1000, '1', 1000]],
    ['limit', 'NaN', [1000, NaN, 1000]],
    ['blockDuration', 'text', [1000, 1, '1000']],
    ['blockDuration', 'undefined', [1000, 1, undefined]],
  ])('is refused where a hit is counted: a %s that is %s', async (option, what, given) => {
    const hits = await newStorage();
    const [ttl, limit, blockDuration] = given as [number, number, number];
    const counted = hits.increment('a', ttl, limit, blockDuration, 'default');
    await expect(counted).rejects.toMatchObject({ code: 'INVALID_OPTION', option });
    await expect(counted).rejects.toThrow(new RegExp(`given ${what}\\. .*Number\\(`));
    expect(records.size).toBe(0);
  });

  it('is refused where the namespace was declared otherwise', async () => {
    const plain = defineNamespace({ name: 'plain', key: stringKey(), value: json<HitRecord>() });
    app = await startApp([CacheModule.forRoot({ storage, clock, namespaces: [plain] })]);
    const namespace = app.get(CacheService).namespace(plain);
    const made = () => new DurableThrottlerStorage(namespace);
    expect(made).toThrow(errorWith('INVALID_OPTION'));
    expect(made).toThrow(/throttlerNamespace\(\) declares/);
  });

  it('is refused where the storage is made, with the remedy', async () => {
    await newStorage();
    const make = (namespace: unknown, options?: unknown) => () =>
      new DurableThrottlerStorage(namespace as typeof records, options as ThrottlerStorageOptions);
    expect(make(undefined)).toThrow(/cache\.namespace\(hits\)/);
    expect(make(throttlerNamespace({ name: 'hits' }))).toThrow(errorWith('INVALID_OPTION'));
    expect(make(records, null)).toThrow(errorWith('INVALID_OPTION'));
    expect(make(records, { ttl: 1 })).toThrow(/no option 'ttl'.*whenUnavailable, clock/);
    expect(make(records, { whenUnavailable: 'open' })).toThrow(errorWith('INVALID_OPTION'));
    expect(make(records, { clock: Date })).not.toThrow();
    expect(make(records, { clock: {} })).toThrow(errorWith('INVALID_OPTION'));
  });

  it('is refused where the namespace is declared', () => {
    const declare = (options: unknown) => () => throttlerNamespace(options as ThrottlerNamespaceOptions);
    expect(declare(undefined)).toThrow(errorWith('INVALID_OPTION'));
    expect(declare({ name: 'a', limit: 1 })).toThrow(errorWith('INVALID_OPTION'));
    expect(declare({ name: 'a', maxEntries: 0 })).toThrow(errorWith('INVALID_OPTION'));
  });
});
