import { beforeEach, describe, expect, it } from 'vitest';
import { CachePersistenceLevel, type NamespaceCache } from '../../src/index.js';
import { errorWith, increment, MEMORY_ONLY, namespaceOf } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';

describe.each(Object.values(CachePersistenceLevel))('a namespace at level %s', (level) => {
  let world: EngineWorld;
  let cache: NamespaceCache<string, unknown>;

  beforeEach(async () => {
    world = new EngineWorld();
    cache = await world.register(namespaceOf(level));
  });

  it('gives what was set', async () => {
    await cache.set('a', { n: 1 });
    expect(await cache.get('a')).toEqual({ n: 1 });
    expect(cache.getIfPresent('a')).toEqual({ n: 1 });
    expect(await cache.has('a')).toBe(true);
    expect(await cache.get('b')).toBeUndefined();
    expect(await cache.has('b')).toBe(false);
  });

  it.each([[null], [0], [''], [false], [[]], [{}], ['text']])('holds %o, which is a value', async (value) => {
    await cache.set('a', value);
    expect(await cache.get('a')).toEqual(value);
    expect(await cache.has('a')).toBe(true);
    expect(await cache.getOrLoad('a', () => 'loaded')).toEqual(value);
    expect([...cache.values()]).toEqual([value]);
    await cache.set('a', 'another');
    expect(await cache.get('a')).toBe('another');
  });

  it('answers a delete with whether there was an entry', async () => {
    await cache.set('a', 1);
    expect(await cache.delete('a')).toBe(true);
    expect(await cache.delete('a')).toBe(false);
    expect(await cache.get('a')).toBeUndefined();
  });

  it('loses none of 100 overlapping updates', async () => {
    const counter = cache as NamespaceCache<string, number>;
    await Promise.all(Array.from({ length: 100 }, () => counter.update('n', increment)));
    expect(await cache.get('n')).toBe(100);
  });

  it('loses no write that an updater calls: it comes after the update', async () => {
    const counter = cache as NamespaceCache<string, number>;
    const called: Promise<unknown>[] = [];
    const updated = counter.update('n', (n = 0) => {
      if (called.length === 0)
        called.push(
          counter.update('n', (m = 0) => m + 10),
          counter.increment('n', 100),
          counter.rename('n', 'moved'),
          counter.setIfAbsent('n', 7),
          counter.set('other', 1),
          counter.delete('other'),
        );
      return n + 1;
    });
    expect(await updated).toBe(1);
    expect(await Promise.all(called)).toEqual([11, 111, true, true, undefined, true]);
    expect(await counter.getMany(['n', 'moved', 'other'])).toEqual([7, 111, undefined]);
  });

  it('gives each update its own result', async () => {
    const counter = cache as NamespaceCache<string, number>;
    const results = await Promise.all(Array.from({ length: 5 }, () => counter.update('n', increment)));
    expect(results).toEqual([1, 2, 3, 4, 5]);
  });

  it('lets one of 100 overlapping setIfAbsent win; the losers leave value and expiry alone', async () => {
    const wins = await Promise.all(
      Array.from({ length: 100 }, (_, i) => cache.setIfAbsent('lock', i, { ttlMs: 1000 + i })),
    );
    expect(wins).toEqual(wins.map((_, i) => i === 0));
    expect([await cache.get('lock'), await cache.ttl('lock')]).toEqual([0, 1000]);
    await world.clock.advance(1000);
    expect(await cache.setIfAbsent('lock', 'next')).toBe(true);
    expect([await cache.get('lock'), await cache.ttl('lock')]).toEqual(['next', null]);
  });

  it('loses none of 100 overlapping increments, gives each its own sum, and keeps the expiry', async () => {
    const counter = cache as NamespaceCache<string, number>;
    await counter.set('n', 5, { ttlMs: 1000 });
    await world.clock.advance(400);
    const sums = await Promise.all(Array.from({ length: 100 }, () => counter.increment('n')));
    expect(sums).toEqual(sums.map((_, i) => 6 + i));
    expect([await counter.increment('n', -5), await counter.ttl('n')]).toEqual([100, 600]);
    expect([await counter.increment('new', 2.5), await counter.ttl('new')]).toEqual([2.5, null]);
  });

  it('gives what is taken to one of those who take it', async () => {
    const value = { token: 't' };
    await cache.set('a', value);
    const taken = await Promise.all([cache.take('a'), cache.take('a'), cache.take('a')]);
    expect(taken).toEqual([value, undefined, undefined]);
    expect(await cache.get('a')).toBeUndefined();
    expect(await cache.delete('a')).toBe(false);
  });

  it('renews an expiry, says how long is left, and touches nothing that is not there', async () => {
    const value = { user: 1 };
    await cache.set('a', value, { ttlMs: 1000 });
    expect(await cache.ttl('a')).toBe(1000);
    await world.clock.advance(900);
    expect(await cache.touch('a', { ttlMs: 500 })).toBe(true);
    expect(await cache.ttl('a')).toBe(500);
    await world.clock.advance(499);
    expect(await cache.get('a')).toEqual(value);
    expect(await cache.touch('a', { ttlMs: null })).toBe(true);
    expect(await cache.ttl('a')).toBeNull();
    await world.clock.advance(1_000_000);
    expect(await cache.get('a')).toEqual(value);
    expect(await cache.touch('a', { ttlMs: 1 })).toBe(true);
    await world.clock.advance(1);
    expect([await cache.touch('a', { ttlMs: 1 }), await cache.ttl('a')]).toEqual([false, undefined]);
    expect([await cache.touch('b', { ttlMs: 1 }), await cache.ttl('b')]).toEqual([false, undefined]);
    expect(await cache.has('b')).toBe(false);
  });

  it('gives what there is when it is refreshed', async () => {
    await cache.set('a', 1, { ttlMs: 1000 });
    expect([await cache.refresh('a'), await cache.refresh('b')]).toEqual([1, undefined]);
    expect([await cache.get('a'), await cache.ttl('a')]).toEqual([1, 1000]);
    await world.clock.advance(1000);
    expect(await cache.refresh('a')).toBeUndefined();
  });

  it('rejects only the update whose function throws', async () => {
    const counter = cache as NamespaceCache<string, number>;
    const outcomes = await Promise.allSettled([
      counter.update('n', increment),
      counter.update('n', () => {
        throw new RangeError('mine');
      }),
      counter.update('n', increment),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: new RangeError('mine') });
    expect(await cache.get('n')).toBe(2);
  });

  it('refuses an updater that gives undefined or a promise', async () => {
    await cache.set('a', 1);
    await expect(cache.update('a', () => undefined)).rejects.toThrow(errorWith('INVALID_VALUE'));
    await expect(cache.update('a', async () => 2)).rejects.toThrow(errorWith('INVALID_VALUE'));
    await expect(cache.update('a', () => Promise.reject(new Error('unseen')))).rejects.toThrow(/promise/);
    expect(await cache.get('a')).toBe(1);
  });

  it.skipIf(level === MEMORY_ONLY)(
    'lets no updater change a value in place, whether it was read before or not',
    async () => {
      const inPlace = (value: unknown): unknown => {
        (value as { n: number }).n = 2;
        return value;
      };
      await cache.set('a', { n: 1 });
      await expect(cache.update('a', inPlace)).rejects.toThrow(TypeError);
      expect([...cache.values()].every(Object.isFrozen)).toBe(true);
      await cache.flush();
      world.crash();
      const again: NamespaceCache<string, unknown> = await world.register(namespaceOf(level));
      await expect(again.update('a', inPlace)).rejects.toThrow(TypeError);
      expect(await again.get('a')).toEqual({ n: 1 });
      await expect(again.update('a', inPlace)).rejects.toThrow(TypeError);
    },
  );

  it('takes operations on one key in the order of their calls, awaited or not', async () => {
    const results = [
      cache.set('a', 1),
      cache.update('a', (n) => [n]),
      cache.delete('a'),
      cache.update('a', (n) => [n ?? 'none']),
      cache.set('a', 2),
      cache.update('a', (n) => [n]),
      cache.setIfAbsent('a', 3),
      cache.touch('a', { ttlMs: 1000 }),
      cache.take('a'),
      cache.touch('a', { ttlMs: 1000 }),
      cache.setIfAbsent('a', 4),
    ];
    const first = [undefined, [1], true, ['none'], undefined, [2]];
    expect(await Promise.all<unknown>(results)).toEqual([...first, false, true, [2], false, true]);
    expect(await cache.get('a')).toBe(4);
  });

  it('takes a clear in its place among other operations', async () => {
    const before = cache.set('a', 'before');
    const update = cache.update('a', (value) => `${String(value)}, updated`);
    const clear = cache.clear();
    const after = cache.set('b', 'after');
    const rebuilt = cache.update('a', (value) => value ?? 'rebuilt');
    expect(await Promise.all([before, update, clear, after, rebuilt])).toEqual([
      undefined,
      'before, updated',
      undefined,
      undefined,
      'rebuilt',
    ]);
    expect([await cache.get('a'), await cache.get('b')]).toEqual(['rebuilt', 'after']);
    const last = [cache.set('a', 1), cache.clear()];
    await Promise.all(last);
    expect(await cache.get('a')).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  it('renames over what is there, once', async () => {
    await cache.set('old', { title: 'group' });
    await cache.set('new', 'in the way');
    expect(await cache.rename('old', 'new')).toBe(true);
    expect(await cache.get('old')).toBeUndefined();
    expect(await cache.get('new')).toEqual({ title: 'group' });
    expect(await cache.rename('old', 'new')).toBe(false);
    expect(await cache.get('new')).toEqual({ title: 'group' });
    expect(await cache.rename('new', 'new')).toBe(true);
    expect(await cache.get('new')).toEqual({ title: 'group' });
  });

  it('takes a rename in its place among other operations', async () => {
    await Promise.all([
      cache.set('a', 1),
      cache.rename('a', 'b'),
      cache.update('b', (n) => [n]),
      cache.set('a', 2),
      cache.rename('b', 'c'),
    ]);
    expect(await cache.getMany(['a', 'b', 'c'])).toEqual([2, undefined, [1]]);
  });

  it('reads and writes many at once', async () => {
    await cache.setMany([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    expect(await cache.getMany(['c', 'x', 'a'])).toEqual([3, undefined, 1]);
    expect(await cache.deleteMany(['a', 'x', 'b'])).toBe(2);
    expect(await cache.getMany(['a', 'b', 'c'])).toEqual([undefined, undefined, 3]);
  });

  it('is iterated like a Map, most recently used first', async () => {
    await cache.setMany([
      ['a', 1],
      ['b', 2],
    ]);
    cache.getIfPresent('a');
    expect([...cache.keys()]).toEqual(['a', 'b']);
    expect([...cache.values()]).toEqual([1, 2]);
    expect([...cache]).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
    expect(cache.size).toBe(2);
  });

  it('refuses undefined as a value, and changes nothing', async () => {
    await cache.set('a', 1);
    await expect(cache.set('a', undefined)).rejects.toThrow(errorWith('INVALID_VALUE'));
    await expect(
      cache.setMany([
        ['b', 2],
        ['a', undefined],
      ]),
    ).rejects.toThrow(errorWith('INVALID_VALUE'));
    expect(await cache.getMany(['a', 'b'])).toEqual([1, undefined]);
  });

  it('refuses a promise as a value, whatever it would give, and changes nothing', async () => {
    await cache.set('a', 'before');
    const promises = [
      () => Promise.resolve(1),
      () => Promise.reject(new Error('unseen')),
      // oxlint-disable-next-line unicorn/no-thenable
      () => ({ then: (done: (value: number) => void) => done(1) }),
    ];
    for (const promised of promises) {
      for (const write of [
        () => cache.set('a', promised()),
        () =>
          cache.setMany([
            ['b', 1],
            ['a', promised()],
          ]),
      ]) {
        await expect(write()).rejects.toThrow(errorWith('INVALID_VALUE'));
        await expect(write()).rejects.toThrow(/Await it first/i);
      }
    }
    expect(await cache.getMany(['a', 'b'])).toEqual(['before', undefined]);
  });

  it('refuses a value that can not be told from a promise, with a code, and changes nothing', async () => {
    await cache.set('a', 'before');
    const boom = new Error('not to be read');
    const value = {
      // oxlint-disable-next-line unicorn/no-thenable
      get then(): unknown {
        throw boom;
      },
    };
    for (const write of [
      () => cache.set('a', value),
      () => cache.setIfAbsent('b', value),
      () =>
        cache.setMany([
          ['b', 1],
          ['a', value],
        ]),
    ]) {
      await expect(write()).rejects.toThrow(errorWith('INVALID_VALUE'));
      await expect(write()).rejects.toMatchObject({ cause: boom });
    }
    expect(await cache.getMany(['a', 'b'])).toEqual(['before', undefined]);
  });

  it('refuses entries that are no pairs, and changes nothing', async () => {
    for (const entry of [undefined, null, 5, 'ab', ['a'], {}]) {
      const entries = [['b', 1], entry] as [string, unknown][];
      await expect(cache.setMany(entries)).rejects.toThrow(errorWith('INVALID_OPTION'));
    }
    expect(await cache.get('b')).toBeUndefined();
  });

  it('refuses a bad key at every method, and changes nothing', async () => {
    await cache.set('a', 1);
    const bad = '';
    const calls = [
      cache.get(bad),
      cache.has(bad),
      cache.getMany(['a', bad]),
      cache.getOrLoad(bad, () => 1),
      cache.set(bad, 1),
      cache.setMany([
        ['a', 2],
        [bad, 1],
      ]),
      cache.update(bad, () => 1),
      cache.delete(bad),
      cache.deleteMany(['a', bad]),
      cache.rename('a', bad),
      cache.rename(bad, 'a'),
      cache.setIfAbsent(bad, 1),
      (cache as NamespaceCache<string, number>).increment(bad),
      cache.take(bad),
      cache.touch(bad, { ttlMs: 1 }),
      cache.ttl(bad),
      cache.refresh(bad),
    ];
    for (const call of calls) await expect(call).rejects.toThrow(errorWith('INVALID_KEY'));
    expect(() => cache.getIfPresent(bad)).toThrow(errorWith('INVALID_KEY'));
    await expect(cache.get(7 as never)).rejects.toThrow(errorWith('INVALID_KEY'));
    expect(await cache.get('a')).toBe(1);
  });

  it.each([0, -1, 1.5, NaN, -Infinity, '1'])('refuses a time to live of %o', async (ttlMs) => {
    await expect(cache.set('a', 1, { ttlMs: ttlMs as number })).rejects.toThrow(errorWith('INVALID_OPTION'));
    await expect(cache.set('a', 1, { ttl: 1 } as never)).rejects.toThrow(errorWith('INVALID_OPTION'));
    expect(await cache.get('a')).toBeUndefined();
  });

  it('lets an entry expire exactly at its time', async () => {
    await cache.set('a', 1, { ttlMs: 1000 });
    await cache.set('b', 2);
    await world.clock.advance(999);
    expect(await cache.get('a')).toBe(1);
    await world.clock.advance(1);
    expect(await cache.get('a')).toBeUndefined();
    expect(await cache.delete('a')).toBe(false);
    expect(await cache.get('b')).toBe(2);
  });

  it('keeps the expiry through an update, unless the update renews it', async () => {
    await cache.set('a', 1, { ttlMs: 1000 });
    await cache.set('b', 1, { ttlMs: 1000 });
    await world.clock.advance(600);
    await cache.update('a', () => 2);
    await cache.update('b', () => 2, { ttlMs: 1000 });
    await world.clock.advance(600);
    expect(await cache.get('a')).toBeUndefined();
    expect(await cache.get('b')).toBe(2);
  });

  it('loads once for all who ask, and stores what was loaded', async () => {
    let loads = 0;
    const loader = async (key: string): Promise<string> => {
      loads += 1;
      await settle(1);
      return `loaded ${key}`;
    };
    const answers = await Promise.all(Array.from({ length: 50 }, () => cache.getOrLoad('a', loader)));
    expect(new Set(answers)).toEqual(new Set(['loaded a']));
    expect(loads).toBe(1);
    expect(await cache.get('a')).toBe('loaded a');
    expect(cache.stats().loaderCalls).toBe(1);
  });

  it('gives a loader’s failure to all who asked, and asks again the next time', async () => {
    const failing = (): Promise<never> => Promise.reject(new Error('offline'));
    const both = await Promise.allSettled([cache.getOrLoad('a', failing), cache.getOrLoad('a', failing)]);
    expect(both.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
    expect(await cache.getOrLoad('a', () => 'online')).toBe('online');
    await expect(cache.getOrLoad('b', () => undefined)).rejects.toThrow(errorWith('INVALID_VALUE'));
  });

  it('refuses options that are no object or unknown, says what to write instead, and changes nothing', async () => {
    const calls = [
      cache.set('a', 1, 5000 as never),
      cache.setMany([['a', 1]], 5000 as never),
      cache.update('a', () => 1, 5000 as never),
      cache.setIfAbsent('a', 1, 5000 as never),
      cache.touch('a', 5000 as never),
      cache.getOrLoad('a', () => 1, 5000 as never),
    ];
    for (const call of calls) {
      await expect(call).rejects.toThrow(errorWith('INVALID_OPTION'));
      await expect(call).rejects.toThrow('{ ttlMs: 5000 }');
    }
    await expect(cache.setIfAbsent('a', 1, { ttl: 1 } as never)).rejects.toThrow(errorWith('INVALID_OPTION'));
    await expect(cache.setIfAbsent('a', undefined)).rejects.toThrow(errorWith('INVALID_VALUE'));
    expect(await cache.has('a')).toBe(false);
    expect(cache.stats()).toMatchObject({ sets: 0, updates: 0 });
  });

  it.each(['set', 'delete', 'clear', 'take', 'setIfAbsent'] as const)(
    'a %s during a load wins over what is loaded',
    async (write) => {
      let finish: (value: string) => void = () => undefined;
      const load = cache.getOrLoad(
        'a',
        () =>
          new Promise<string>((resolve) => {
            finish = resolve;
          }),
      );
      await settle();
      if (write === 'set') await cache.set('a', 'newer');
      else if (write === 'setIfAbsent') await cache.setIfAbsent('a', 'newer');
      else if (write === 'clear') await cache.clear();
      else await cache[write]('a');
      finish('older');
      expect(await load).toBe('older');
      expect(await cache.get('a')).toBe(write.startsWith('set') ? 'newer' : undefined);
    },
  );

  it('counts what happened', async () => {
    await cache.set('a', 1);
    await cache.get('a');
    await cache.get('x');
    await cache.update('a', () => 2);
    await cache.setIfAbsent('a', 3);
    await (cache as NamespaceCache<string, number>).increment('a');
    await cache.touch('a', { ttlMs: null });
    await cache.ttl('a');
    await cache.refresh('a');
    await cache.take('a');
    await cache.delete('a');
    expect(cache.stats()).toMatchObject({
      persistenceLevel: level,
      size: 0,
      maxSize: 1000,
      hits: 1,
      misses: 1,
      hitRate: 0.5,
      sets: 1,
      updates: 4,
      deletes: 2,
      evictions: 0,
      rejected: 0,
    });
  });

  it.skipIf(level === MEMORY_ONLY)(
    'stores a value that no later mutation of the caller’s object can reach',
    async () => {
      const given = { list: [1], nested: { deep: true } };
      await cache.set('a', given);
      given.list.push(2);
      given.nested.deep = false;
      expect(await cache.get('a')).toEqual({ list: [1], nested: { deep: true } });
      const got = (await cache.get('a')) as typeof given;
      expect(() => got.list.push(3)).toThrow(TypeError);
      expect(() => {
        got.nested.deep = false;
      }).toThrow(TypeError);
      const updated = (await cache.update('a', () => given)) as typeof given;
      given.list.push(9);
      expect(updated.list).toEqual([1, 2]);
      expect(await cache.get('a')).toEqual({ list: [1, 2], nested: { deep: false } });
    },
  );

  it.skipIf(level === MEMORY_ONLY)('looks the same before and after a restart', async () => {
    const value = {
      zero: -0,
      gone: undefined,
      list: [null, 1.5],
      proto: JSON.parse('{"__proto__":1}'),
    };
    await cache.set('a', value);
    const before = await cache.get('a');
    await world.restart();
    const again = await world.register(namespaceOf(level));
    expect(await again.get('a')).toEqual(before);
    expect(JSON.stringify(before)).toBe(JSON.stringify(value));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.skipIf(level === MEMORY_ONLY).each([
    [
      'a cycle',
      (): unknown => {
        const loop: { self?: unknown } = {};
        loop.self = loop;
        return loop;
      },
    ],
    ['a BigInt', () => ({ n: 1n })],
    ['a function', () => () => 1],
    ['a symbol', () => Symbol('x')],
    [
      'nesting deeper than the stack',
      () => {
        let deep: unknown = 0;
        for (let i = 0; i < 1e5; i += 1) deep = [deep];
        return deep;
      },
    ],
  ])('refuses %s at the call, and changes nothing', async (_what, make) => {
    await cache.set('a', 1);
    await expect(cache.set('a', make())).rejects.toThrow(errorWith('INVALID_VALUE'));
    await expect(cache.update('a', () => make())).rejects.toThrow(errorWith('INVALID_VALUE'));
    expect(await cache.get('a')).toBe(1);
    expect((await cache.flush()).remaining).toBe(0);
  });

  it.skipIf(level === MEMORY_ONLY)('takes no write after the stop, and says so', async () => {
    await cache.set('a', 1);
    await world.engine.stop();
    await expect(cache.set('a', 2)).rejects.toThrow(errorWith('CACHE_CLOSED'));
    await expect(cache.update('a', () => 2)).rejects.toThrow(errorWith('CACHE_CLOSED'));
    await expect(cache.delete('a')).rejects.toThrow(errorWith('CACHE_CLOSED'));
    await expect(cache.clear()).rejects.toThrow(errorWith('CACHE_CLOSED'));
    await expect(cache.rename('a', 'b')).rejects.toThrow(errorWith('CACHE_CLOSED'));
    await expect(cache.setIfAbsent('b', 2)).rejects.toThrow(errorWith('CACHE_CLOSED'));
    await expect(cache.take('a')).rejects.toThrow(errorWith('CACHE_CLOSED'));
    await expect(cache.touch('a', { ttlMs: 1 })).rejects.toThrow(errorWith('CACHE_CLOSED'));
    await expect(cache.refresh('a')).rejects.toThrow(errorWith('CACHE_CLOSED'));
    expect(await cache.ttl('a')).toBeNull();
    expect(await cache.get('a')).toBe(1);
  });
});
