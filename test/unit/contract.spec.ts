import { runInNewContext } from 'node:vm';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  bigintKey,
  CachePersistenceLevel,
  defineNamespace,
  json,
  numberKey,
  stringKey,
  tupleKey,
  type KeyCodec,
  type NamespaceCache,
  type ValueCodec,
  type WriteOptions,
} from '../../src/index.js';
import { ChaosError } from '../support/chaos-storage.js';
import { errorWith, MEMORY_ONLY, namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';

/** Brings back a date, and throws for what none can be made of: only decoding finds out. */
const dates: ValueCodec<{ at: string }> = {
  encode: ({ at }) => at,
  decode: (text) => ({ at: new Date(text).toISOString() }),
};

describe.each(Object.values(CachePersistenceLevel))('the contract of a namespace (%s)', (level) => {
  const isPersisted = level !== MEMORY_ONLY;
  let world: EngineWorld;
  let cache: NamespaceCache<string, unknown>;

  beforeEach(async () => {
    world = new EngineWorld();
    cache = await world.register(namespaceOf(level));
  });

  it('refuses, with a code, what is no list and what is no function where one is asked for', async () => {
    await cache.set('there', 1);
    const outcomes = await Promise.allSettled([
      cache.setMany({ a: 1 } as never),
      cache.setMany(undefined as never),
      cache.getMany('abc' as never),
      cache.deleteMany(5 as never),
      cache.update('there', 5 as never),
      cache.getOrLoad('a', undefined as never),
    ]);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: errorWith('INVALID_OPTION') });
    expect(await cache.get('there')).toBe(1);
  });

  it.each([
    ['a number', 5000],
    ['null', null],
    ['a string', '5000'],
    ['true', true],
    ['an array', [5000]],
    ['a Date', new Date(0)],
    ['a Map', new Map([['ttlMs', 5000]])],
    ['a function', () => 5000],
  ])('refuses %s as options, with the remedy, and changes nothing', async (_what, given) => {
    await cache.set('there', 1);
    const options = given as never;
    let loads = 0;
    const load = (): number => (loads += 1);
    const calls = [
      cache.set('a', 1, options),
      cache.set('there', 2, options),
      cache.setMany([['a', 1]], options),
      cache.setMany([], options),
      cache.update('there', () => 2, options),
      cache.getOrLoad('a', load, options),
      cache.getOrLoad('there', load, options),
    ];
    const outcomes = await Promise.allSettled(calls);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: errorWith('INVALID_OPTION') });
      expect((outcome as PromiseRejectedResult).reason).toMatchObject({
        message: expect.stringContaining('{ ttlMs: 5000 }') as string,
      });
    }
    expect(loads).toBe(0);
    expect([await cache.get('a'), await cache.get('there')]).toEqual([undefined, 1]);
  });

  it('refuses unknown options at every method that takes some', async () => {
    const calls = [
      cache.set('a', 1, { ttl: 5000 } as never),
      cache.setMany([['a', 1]], { ttl: 5000 } as never),
      cache.update('a', () => 2, { ttl: 5000 } as never),
      cache.getOrLoad('a', () => 1, { timeout: 5000 } as never),
      cache.set('a', 1, { timeoutMs: 5000 } as never),
    ];
    for (const call of calls) await expect(call).rejects.toThrow(errorWith('INVALID_OPTION'));
    await expect(calls[0]).rejects.toThrow(/no option 'ttl'. Known: ttlMs/);
    expect(await cache.get('a')).toBeUndefined();
  });

  it('takes options without a prototype, or of another realm', async () => {
    await cache.set('bare', 1, Object.assign(Object.create(null) as object, { ttlMs: 1000 }));
    await cache.set('foreign', 1, runInNewContext('({ ttlMs: 1000 })') as WriteOptions);
    await world.clock.advance(1000);
    expect(await cache.getMany(['bare', 'foreign'])).toEqual([undefined, undefined]);
  });

  it.each([null, Infinity])('takes %o as a time to live that never ends', async (never) => {
    const definition = namespaceOf(level, { name: 'short', ttlMs: 1000 });
    const short: NamespaceCache<string, unknown> = await world.register(definition);
    await short.set('set', 1, { ttlMs: never });
    await short.setMany([['many', 1]], { ttlMs: never });
    await short.update('new', () => 1, { ttlMs: never });
    await short.set('renewed', 1);
    await short.update('renewed', () => 2, { ttlMs: never });
    await short.getOrLoad('loaded', () => 1, { ttlMs: never });
    await short.set('default', 1);
    await world.clock.advance(100_000);
    const keys = ['set', 'many', 'new', 'renewed', 'loaded', 'default'];
    expect(await short.getMany(keys)).toEqual([1, 1, 1, 2, 1, undefined]);
    await short.update('set', () => 2);
    await world.clock.advance(100_000);
    expect(await short.get('set')).toBe(2);
    expect(namespaceOf(level, { ttlMs: never }).ttlMs).toBeUndefined();
    if (!isPersisted) return;
    await world.restart();
    const again = await world.register(definition);
    expect(await again.getMany(keys)).toEqual([2, 1, 1, 2, 1, undefined]);
  });

  it.skipIf(!isPersisted)(
    'stores nothing of a setMany of which one value can not be brought back',
    async () => {
      const dated = await world.register(
        defineNamespace({ name: 'dated', key: stringKey(), value: dates, persistence: level }),
      );
      const many = dated.setMany([
        ['good', { at: '2026-01-01' }],
        ['bad', { at: 'some day' }],
      ]);
      await expect(many).rejects.toThrow(errorWith('INVALID_VALUE'));
      expect((await dated.flush()).remaining).toBe(0);
      expect([...dated.keys()]).toEqual([]);
      expect(await world.rows.count('dated', 1)).toBe(0);
    },
  );

  it.each([
    ['key', ['b', 'a'], ['', 'x'], undefined],
    ['value', ['b', 'a'], ['c', undefined], undefined],
    ['time to live', ['b', 'a'], ['c', 'x'], { ttlMs: -1 }],
  ] as const)('stores nothing of a setMany with a bad %s', async (_what, good, bad, options) => {
    await expect(cache.setMany([good, bad], options)).rejects.toThrow(/./);
    await cache.flush();
    expect(cache.size).toBe(0);
  });

  const loop: { self?: unknown } = {};
  loop.self = loop;

  it.each([
    ['key', (): Promise<void> => cache.set('', 1)],
    ['value', (): Promise<void> => cache.set('a', undefined)],
    ['value that has no JSON form', (): Promise<void> => cache.set('a', loop)],
    ['time to live', (): Promise<void> => cache.set('a', 1, { ttlMs: -1 })],
    ['option', (): Promise<void> => cache.set('a', 1, 5000 as never)],
  ])('leaves a load in flight alone when a set is refused for its %s', async (what, refused) => {
    if (!isPersisted && what.includes('JSON')) return;
    let loads = 0;
    let finish: (value: string) => void = () => undefined;
    const loader = (): Promise<string> => {
      loads += 1;
      return new Promise((resolve) => {
        finish = resolve;
      });
    };
    const first = cache.getOrLoad('a', loader);
    await settle();
    await expect(refused()).rejects.toThrow(/./);
    const second = cache.getOrLoad('a', loader);
    await settle();
    expect(loads).toBe(1);
    finish('loaded');
    expect(await Promise.all([first, second])).toEqual(['loaded', 'loaded']);
    expect(await cache.get('a')).toBe('loaded');
  });

  it('gives of a load that a write came before what a restart would give, and stores it not', async () => {
    const loaded = { zero: -0, gone: undefined, list: [1] };
    let finish: (value: unknown) => void = () => undefined;
    const load = cache.getOrLoad(
      'a',
      () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    );
    await settle();
    await cache.set('a', 'newer');
    finish(loaded);
    const given = await load;
    if (isPersisted) {
      expect(given).toStrictEqual({ zero: 0, list: [1] });
      expect(Object.isFrozen((given as typeof loaded).list)).toBe(true);
      expect(loaded.list).not.toBe((given as typeof loaded).list);
    } else {
      expect(given).toBe(loaded);
    }
    expect(await cache.get('a')).toBe('newer');
  });

  it('says of a load that a write came before, too, that its value can not be stored', async () => {
    if (!isPersisted) return;
    let finish: (value: unknown) => void = () => undefined;
    const load = cache.getOrLoad(
      'a',
      () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    );
    await settle();
    await cache.delete('a');
    finish(loop);
    await expect(load).rejects.toThrow(errorWith('INVALID_VALUE'));
  });

  it('says at the stop, too, what a restart would give of what was loaded', async () => {
    const loaded = { zero: -0 };
    await world.engine.stop();
    const given = await cache.getOrLoad('a', () => loaded);
    if (isPersisted) {
      expect(given).toStrictEqual({ zero: 0 });
      expect(Object.isFrozen(given)).toBe(true);
    } else {
      expect(given).toBe(loaded);
    }
  });

  it('gives 0 as the key that was set as -0, before a restart and after', async () => {
    async function keysBeforeAndAfter<K>(name: string, key: KeyCodec<K>, set: K): Promise<unknown[]> {
      const definition = defineNamespace({ name, key, value: json<number>(), persistence: level });
      const before = await world.register(definition);
      await before.set(set, 1);
      expect(await before.get(set)).toBe(1);
      const keys: unknown[] = [...before.keys()];
      await before.flush();
      if (!isPersisted) return keys;
      world.crash();
      return [...keys, ...(await world.register(definition)).keys()];
    }
    const times = isPersisted ? 2 : 1;
    const numbers = await keysBeforeAndAfter('numbers', numberKey(), -0);
    expect(numbers).toStrictEqual(Array.from({ length: times }, () => 0));
    const pairs = await keysBeforeAndAfter(
      'pairs',
      tupleKey(numberKey(), tupleKey(numberKey(), bigintKey())),
      [-0, [-0, -0n]],
    );
    expect(pairs).toStrictEqual(Array.from({ length: times }, () => [0, [0, 0n]]));
  });
});

it('a load that the database does not take gives what a restart would give', async () => {
  const world = new EngineWorld({ writeTimeoutMs: 1000 });
  const cache: NamespaceCache<string, unknown> = await world.register(namespaceOf(ON_CHANGE));
  const loaded = { zero: -0 };
  world.storage.write = () => Promise.reject(new ChaosError('transient'));
  const load = cache.getOrLoad('a', () => loaded);
  await world.clock.advance(5000);
  expect(await load).toStrictEqual({ zero: 0 });
  expect(Object.isFrozen(await load)).toBe(true);
  expect(await cache.get('a')).toBeUndefined();
});

describe('a definition', () => {
  it.each([[undefined], [null], [5], ['sessions'], [[]]])(
    'refuses %o in the place of its options',
    (options) => {
      expect(() => defineNamespace(options as never)).toThrow(errorWith('INVALID_OPTION'));
    },
  );

  it('refuses unknown options of its value codec, and what is no options at all', () => {
    expect(() => json({ revivre: () => 1 } as never)).toThrow(/no option 'revivre'/);
    expect(() => json(null as never)).toThrow(errorWith('INVALID_OPTION'));
  });

  it.each([0, -1, 1.5, NaN, '1'])('refuses a time to live of %o', (ttlMs) => {
    expect(() => namespaceOf(ON_CHANGE, { ttlMs: ttlMs as number })).toThrow(errorWith('INVALID_OPTION'));
  });
});
