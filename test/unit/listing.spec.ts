import { beforeEach, describe, expect, it } from 'vitest';
import {
  CachePersistenceLevel,
  defineNamespace,
  json,
  numberKey,
  stringKey,
  tupleKey,
  type KeyCodec,
  type NamespaceCache,
  type NamespaceDefinition,
  type ScanOptions,
} from '../../src/index.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { ChaosError } from '../support/chaos-storage.js';
import { errorWith, MEMORY_ONLY, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';

const LEVELS = Object.values(CachePersistenceLevel);
const PERSISTED = [ON_CHANGE, ON_SHUTDOWN];

async function listed<K, V>(entries: AsyncIterable<readonly [K, V]>): Promise<[K, V][]> {
  const found: [K, V][] = [];
  for await (const [key, value] of entries) found.push([key, value]);
  return found;
}

async function keysOf<K>(entries: AsyncIterable<readonly [K, unknown]>): Promise<K[]> {
  return (await listed(entries)).map(([key]) => key);
}

function keyedBy<K>(
  persistence: CachePersistenceLevel,
  key: KeyCodec<K>,
  maxEntries = 1000,
): NamespaceDefinition<K, number> {
  return defineNamespace({ name: 'keyed', key, value: json<number>(), persistence, maxEntries });
}

describe.each(LEVELS)('a listing at level %s', (level) => {
  let world: EngineWorld;

  beforeEach(() => {
    world = new EngineWorld();
  });

  it('gives every entry once, in the byte order of the stored keys, from either end', async () => {
    const cache = await world.register(namespaceOf<number>(level));
    const keys = ['b', 'a', '😀', '\uffff', 'á', 'B', '10', '2'];
    await cache.setMany(keys.map((key, i) => [key, i]));
    const inOrder = ['10', '2', 'B', 'a', 'b', 'á', '\uffff', '😀'];
    expect(await keysOf(cache)).toEqual(inOrder);
    expect(await listed(cache.scan())).toEqual(inOrder.map((key) => [key, keys.indexOf(key)]));
    expect(await keysOf(cache.scan({ reverse: true }))).toEqual(inOrder.toReversed());
    expect(await keysOf(cache.scan({ limit: 3 }))).toEqual(inOrder.slice(0, 3));
    expect(await keysOf(cache.scan({ limit: 100, reverse: true }))).toEqual(inOrder.toReversed());
    expect(await cache.count()).toBe(keys.length);
  });

  it('gives keys as they were given, numbers in the order of their text', async () => {
    const cache = await world.register(keyedBy(level, numberKey()));
    await cache.setMany([9, -1, 10, 100, 2].map((key) => [key, key]));
    expect(await keysOf(cache)).toEqual([-1, 10, 100, 2, 9]);
  });

  it('gives the entries whose keys begin with the first elements of a tuple', async () => {
    const cache = await world.register(keyedBy(level, tupleKey(numberKey(), stringKey())));
    await cache.setMany([
      [[1, 'a'], 1],
      [[12, 'a'], 2],
      [[12, 'a:b'], 3],
      [[12, 'ab'], 4],
      [[123, 'a'], 5],
    ]);
    expect(await keysOf(cache.scan({ prefix: [12] }))).toEqual([
      [12, 'a'],
      [12, 'a:b'],
      [12, 'ab'],
    ]);
    expect(await listed(cache.scan({ prefix: [12, 'a'] }))).toEqual([[[12, 'a'], 2]]);
    expect(await listed(cache.scan({ prefix: [12, 'a:b'] }))).toEqual([[[12, 'a:b'], 3]]);
    expect(await keysOf(cache.scan({ prefix: [7] }))).toEqual([]);
    expect(await keysOf(cache.scan({ prefix: [] }))).toHaveLength(5);
  });

  it('gives the entries whose keys begin with a text', async () => {
    const cache = await world.register(namespaceOf<number>(level));
    await cache.setMany(['a', 'ab', 'b', 'aé', 'A', '%'].map((key, i) => [key, i]));
    expect(await keysOf(cache.scan({ prefix: 'a' }))).toEqual(['a', 'ab', 'aé']);
    expect(await keysOf(cache.scan({ prefix: 'a', reverse: true, limit: 2 }))).toEqual(['aé', 'ab']);
    expect(await keysOf(cache.scan({ prefix: '%' }))).toEqual(['%']);
    expect(await keysOf(cache.scan({ prefix: '' }))).toHaveLength(6);
  });

  it('refuses a prefix that no key has, at the call', async () => {
    const strings = await world.register(namespaceOf(level));
    const numbers = await world.register(keyedBy(level, numberKey()));
    const scan = (prefix: unknown) => () => strings.scan({ prefix } as ScanOptions<string>);
    for (const prefix of [1, null, {}, ['a'], 'a\0', '\ud83d', 'x'.repeat(513)])
      expect(scan(prefix)).toThrow(errorWith('INVALID_KEY'));
    expect(() => numbers.scan({ prefix: 1 as never })).toThrow(errorWith('INVALID_KEY'));
    const pairs = await new EngineWorld().register(keyedBy(level, tupleKey(numberKey(), stringKey())));
    for (const prefix of ['1', ['1'], [1, 2], [1, 'a', 3], [1, ''], {}])
      expect(() => pairs.scan({ prefix } as never)).toThrow(errorWith('INVALID_KEY'));
    expect(() => numbers.scan({ prefix: 1 as never })).toThrow(/each is a number/);
  });

  it('refuses options that it does not know, or that make no sense, at the call', async () => {
    const cache = await world.register(namespaceOf(level));
    const options = [
      5,
      'a',
      null,
      [],
      { limits: 1 },
      { limit: 0 },
      { limit: 1.5 },
      { limit: '1' },
      { reverse: 1 },
    ];
    for (const one of options)
      expect(() => cache.scan(one as ScanOptions<string>)).toThrow(errorWith('INVALID_OPTION'));
  });

  it('leaves recency and memory as they are', async () => {
    const cache = await world.register(namespaceOf<number>(level, { maxEntries: 3 }));
    await cache.setMany(['a', 'b', 'c', 'd'].map((key, i) => [key, i]));
    await cache.flush();
    const { hits, misses, evictions } = cache.stats();
    expect(await keysOf(cache)).toEqual(level === MEMORY_ONLY ? ['b', 'c', 'd'] : ['a', 'b', 'c', 'd']);
    await cache.count();
    expect([...cache.keys()]).toEqual(['d', 'c', 'b']);
    expect(cache.stats()).toMatchObject({ hits, misses, evictions });
  });

  it('leaves out what has expired', async () => {
    const cache = await world.register(namespaceOf<number>(level));
    await cache.set('a', 1, { ttlMs: 100 });
    await cache.set('b', 2, { ttlMs: 300 });
    await cache.set('c', 3);
    await world.clock.advance(200);
    expect(await keysOf(cache)).toEqual(['b', 'c']);
    expect(await cache.count()).toBe(2);
  });

  it('gives values that nobody can change', async () => {
    const cache = await world.register(namespaceOf<{ n: number }>(level));
    await cache.set('a', { n: 1 });
    const [[, value] = []] = await listed(cache);
    expect(Object.isFrozen(value)).toBe(level !== MEMORY_ONLY);
    expect(value).toEqual({ n: 1 });
  });

  it('can be ended early, and asked for several entries at once', async () => {
    const cache = await world.register(namespaceOf<number>(level, { maxEntries: 5000 }));
    await cache.setMany(Array.from({ length: 2500 }, (_, i) => [String(i).padStart(4, '0'), i]));
    await cache.flush();
    let count = 0;
    for await (const _ of cache) if ((count += 1) === 150) break;
    const scan = cache.scan();
    const entries = await Promise.all(Array.from({ length: 2501 }, () => scan.next()));
    expect(entries.map(({ value }) => value?.[1] as number | undefined)).toEqual([
      ...Array.from({ length: 2500 }, (_, i) => i),
      undefined,
    ]);
    expect(await scan.return?.()).toEqual({ value: undefined, done: true });
    expect(await scan.next()).toEqual({ value: undefined, done: true });
    const ended = cache.scan();
    const [first, , second] = await Promise.all([ended.next(), ended.return?.(), ended.next()]);
    expect([first.done, second.done]).toEqual([true, true]);
  });

  it('of nothing is empty', async () => {
    const cache = await world.register(namespaceOf(level));
    expect(await keysOf(cache)).toEqual([]);
    expect(await cache.count()).toBe(0);
  });

  it('follows a clear, whether it is written or not', async () => {
    const cache = await world.register(namespaceOf<number>(level, { maxEntries: 2 }));
    await cache.setMany(['a', 'b', 'c'].map((key, i) => [key, i]));
    await cache.flush();
    await cache.clear();
    await cache.set('b', 7);
    for (let i = 0; i < 2; i += 1) {
      expect(await listed(cache)).toEqual([['b', 7]]);
      expect(await cache.count()).toBe(1);
      await cache.flush();
    }
  });
});

describe.each(PERSISTED)('a listing of rows at level %s', (level) => {
  let world: EngineWorld;
  let cache: NamespaceCache<string, number>;

  beforeEach(async () => {
    world = new EngineWorld();
    cache = await world.register(namespaceOf<number>(level, { maxEntries: 2 }));
  });

  it('leaves out rows that do not decode, and counts them', async () => {
    await writeChanges(
      world.rows,
      [
        {
          namespace: level,
          puts: [
            { key: 'a', value: '1', expiresAt: null },
            { key: 'b', value: '{', expiresAt: null },
            { key: 'c', value: '3', expiresAt: null },
          ],
        },
      ],
      1,
    );
    const { unreadable } = cache.stats();
    expect(await listed(cache)).toEqual([
      ['a', 1],
      ['c', 3],
    ]);
    expect(cache.stats().unreadable).toBe(unreadable + 1);
    expect(await world.stored(level).catch(String)).toContain('SyntaxError');
  });

  it('gives copies where readers are given copies, of what is in memory too', async () => {
    const copied = defineNamespace({
      name: 'copied',
      key: stringKey(),
      value: json<{ n: number }>(),
      persistence: level,
      maxEntries: 1,
      values: 'copied',
    });
    const own = await world.register(copied);
    await own.setMany(['a', 'b', 'c'].map((key) => [key, { n: 1 }]));
    for await (const [, value] of own) value.n = 2;
    expect((await listed(own)).map(([, value]) => value.n)).toEqual([1, 1, 1]);
    expect(await own.getMany(['a', 'b', 'c'])).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]);
  });

  it('rejects with READ_FAILED while the database is away, and is over then', async () => {
    await cache.setMany(['a', 'b', 'c'].map((key, i) => [key, i]));
    await cache.flush();
    world.storage.down = new ChaosError('transient');
    const scan = cache.scan();
    await expect(scan.next()).rejects.toThrow(errorWith('READ_FAILED'));
    expect(await scan.next()).toEqual({ value: undefined, done: true });
    await expect(cache.count()).rejects.toThrow(errorWith('READ_FAILED'));
    world.storage.down = undefined;
    expect(await keysOf(cache)).toEqual(['a', 'b', 'c']);
    expect(await cache.count()).toBe(3);
  });

  it('rejects with CACHE_CLOSED after the stop, in the middle too', async () => {
    await cache.setMany(Array.from({ length: 5000 }, (_, i) => [`${i}`, i]));
    await cache.flush();
    const scan = cache.scan();
    await scan.next();
    await world.engine.stop();
    await expect(keysOf(scan)).rejects.toThrow(errorWith('CACHE_CLOSED'));
    await expect(keysOf(cache)).rejects.toThrow(errorWith('CACHE_CLOSED'));
    await expect(cache.count()).rejects.toThrow(errorWith('CACHE_CLOSED'));
  });
});

describe('a listing of an ON_SHUTDOWN namespace', () => {
  const FILLERS = 200;
  let world: EngineWorld;
  let cache: NamespaceCache<string, number>;

  beforeEach(async () => {
    world = new EngineWorld({ checkpointIntervalMs: false });
    // Some of it is in memory only, some in the database only, and what becomes dirty stays so until it is flushed.
    cache = await world.register(namespaceOf<number>(ON_SHUTDOWN, { maxEntries: 100 }));
    await cache.setMany(Array.from({ length: FILLERS }, (_, i) => [`~${i}`, i]));
    await cache.setMany(['a', 'b', 'c', 'd', 'e'].map((key, i) => [key, i]));
    await cache.flush();
  });

  /** What there is besides the fillers. */
  async function others(options?: ScanOptions<string>): Promise<[string, number][]> {
    return (await listed(cache.scan(options))).filter(([key]) => !key.startsWith('~'));
  }

  it('merges what is dirty into the rows', async () => {
    await cache.set('aa', 10);
    await cache.set('b', 11);
    await cache.delete('c');
    await cache.rename('d', 'z');
    await cache.delete('not there');
    const merged = [
      ['a', 0],
      ['aa', 10],
      ['b', 11],
      ['e', 4],
      ['z', 3],
    ];
    expect(await others()).toEqual(merged);
    expect(await others({ reverse: true })).toEqual(merged.toReversed());
    expect(await others({ prefix: 'a' })).toEqual(merged.slice(0, 2));
    expect(await cache.count()).toBe(FILLERS + 5);
    expect(cache.stats().dirty).toBe(5);
    await cache.flush();
    expect(await others()).toEqual(merged);
    expect(await cache.count()).toBe(FILLERS + 5);
  });

  it('counts what is dirty over rows that have expired', async () => {
    await cache.set('a', 1, { ttlMs: 100 });
    await cache.set('b', 1, { ttlMs: 100 });
    await cache.flush();
    await world.clock.advance(200);
    await cache.set('a', 2);
    await cache.delete('c');
    await cache.set('f', 1, { ttlMs: 100 });
    expect(await cache.count()).toBe(FILLERS + 4);
    await world.clock.advance(200);
    expect(await cache.count()).toBe(FILLERS + 3);
    expect((await others()).map(([key]) => key)).toEqual(['a', 'd', 'e']);
  });

  it('counts right while a flush goes on', async () => {
    await cache.setMany(Array.from({ length: 30_000 }, (_, i) => [`key ${i}`, i]));
    const flushed = cache.flush();
    for (let i = 0; i < 20; i += 1) expect(await cache.count()).toBe(FILLERS + 30_005);
    await flushed;
    expect(await cache.count()).toBe(FILLERS + 30_005);
  });

  it('does not wait for ever to count while a write hangs', async () => {
    await cache.set('f', 1);
    world.storage.hold();
    const flushed = cache.flush();
    const counted = cache.count();
    await world.clock.advance(10_000);
    expect(await counted).toBe(FILLERS + 6);
    world.storage.release();
    await flushed;
  });
});
