import { beforeEach, describe, expect, it } from 'vitest';
import {
  CachePersistenceLevel,
  defineNamespace,
  json,
  numberKey,
  tupleKey,
  type NamespaceCache,
} from '../../src/index.js';
import { ChaosError } from '../support/chaos-storage.js';
import {
  errorWith,
  increment,
  MEMORY_ONLY,
  namespaceOf,
  ON_CHANGE,
  ON_SHUTDOWN,
} from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';

type Pairs = NamespaceCache<readonly [number, number], number>;

const LEVELS = Object.values(CachePersistenceLevel);

function pairsAt(persistence: CachePersistenceLevel, maxEntries = 1000) {
  return defineNamespace({
    name: 'pairs',
    key: tupleKey(numberKey(), numberKey()),
    value: json<number>(),
    persistence,
    maxEntries,
  });
}

async function keysIn<K>(cache: NamespaceCache<K, unknown>): Promise<K[]> {
  const keys: K[] = [];
  for await (const [key] of cache) keys.push(key);
  return keys;
}

describe.each(LEVELS)('deletePrefix at level %s', (level) => {
  let world: EngineWorld;
  let pairs: Pairs;

  beforeEach(async () => {
    world = new EngineWorld({ checkpointIntervalMs: false });
    // Memory holds all of it, or nearly nothing.
    pairs = await world.register(pairsAt(level, level === MEMORY_ONLY ? 1000 : 2));
    await pairs.setMany([
      [[1, 1], 1],
      [[12, 1], 2],
      [[12, 2], 3],
      [[12, 30], 4],
      [[123, 1], 5],
    ]);
  });

  it.each(['written', 'dirty'])('removes what begins so, and tells how many (%s)', async (how) => {
    if (how === 'written') await pairs.flush();
    expect(await pairs.deletePrefix([12])).toBe(3);
    expect(await pairs.deletePrefix([12])).toBe(0);
    expect(await keysIn(pairs)).toEqual([
      [123, 1],
      [1, 1],
    ]);
    expect(await pairs.get([12, 2])).toBeUndefined();
    expect(await pairs.count()).toBe(2);
    await pairs.flush();
    expect(await keysIn(pairs)).toHaveLength(2);
  });

  it('takes a whole key for that key, and an empty prefix for every key', async () => {
    expect(await pairs.deletePrefix([12, 3])).toBe(0);
    expect(await pairs.deletePrefix([12, 2])).toBe(1);
    expect(await keysIn(pairs)).toHaveLength(4);
    expect(await pairs.deletePrefix([])).toBe(4);
    expect(await keysIn(pairs)).toEqual([]);
    await pairs.set([1, 2], 3);
    expect(await keysIn(pairs)).toEqual([[1, 2]]);
  });

  it('refuses a prefix that no key has, and changes nothing', async () => {
    for (const prefix of [undefined, null, 12, '12', ['12'], [1, 2, 3], {}])
      await expect(pairs.deletePrefix(prefix as never)).rejects.toThrow(errorWith('INVALID_KEY'));
    const numbers = await world.register(
      defineNamespace({ name: 'numbers', key: numberKey(), value: json<number>(), persistence: level }),
    );
    await expect(numbers.deletePrefix(1 as never)).rejects.toThrow(errorWith('INVALID_KEY'));
    expect(await pairs.count()).toBe(5);
  });

  it('takes its place among other operations, awaited or not', async () => {
    const results = [
      pairs.set([12, 7], 7),
      pairs.deletePrefix([12]),
      pairs.update([12, 1], increment),
      pairs.set([1, 2], 9),
      pairs.deletePrefix([1]),
      pairs.deletePrefix([12]),
      pairs.update([12, 1], (n) => (n ?? 0) + 10),
    ];
    expect(await Promise.all(results)).toEqual([undefined, 4, 1, undefined, 2, 1, 10]);
    expect(await keysIn(pairs)).toEqual([
      [123, 1],
      [12, 1],
    ]);
    await pairs.flush();
    expect(
      await pairs.getMany([
        [12, 1],
        [12, 2],
        [123, 1],
      ]),
    ).toEqual([10, undefined, 5]);
  });

  it('does not count what has expired', async () => {
    await pairs.set([12, 1], 1, { ttlMs: 100 });
    await world.clock.advance(200);
    expect(await pairs.deletePrefix([12])).toBe(2);
  });

  it('wins over a load of one of its keys, and leaves those of others alone', async () => {
    const loads: ((value: number) => void)[] = [];
    const load = (): Promise<number> => new Promise((resolve) => loads.push(resolve));
    const loaded = [pairs.getOrLoad([12, 99], load), pairs.getOrLoad([2, 1], load)];
    await settle();
    await pairs.deletePrefix([12]);
    for (const finish of loads) finish(42);
    expect(await Promise.all(loaded)).toEqual([42, 42]);
    expect(
      await pairs.getMany([
        [12, 99],
        [2, 1],
      ]),
    ).toEqual([undefined, 42]);
  });

  it('is refused after the stop', async () => {
    await world.engine.stop();
    if (level === MEMORY_ONLY) return;
    await expect(pairs.deletePrefix([12])).rejects.toThrow(errorWith('CACHE_CLOSED'));
    await expect(pairs.deletePrefix([12, 1])).rejects.toThrow(errorWith('CACHE_CLOSED'));
  });
});

describe('deletePrefix on ON_CHANGE', () => {
  let world: EngineWorld;
  let cache: NamespaceCache<string, number>;

  beforeEach(async () => {
    world = new EngineWorld({ writeTimeoutMs: 1000 });
    cache = await world.register(namespaceOf<number>(ON_CHANGE));
    await cache.setMany(['a1', 'a2', 'b1'].map((key, i) => [key, i]));
  });

  it('is one operation of the database', async () => {
    const before = world.storage.committed.length;
    await cache.deletePrefix('a');
    expect(world.storage.committed.slice(before)).toEqual([
      { clear: ON_CHANGE, range: { prefix: 'a', isWhole: false } },
    ]);
    expect(await world.stored(ON_CHANGE)).toEqual({ b1: 2 });
  });

  it('shows when it has committed, and is acknowledged then', async () => {
    world.storage.hold();
    const removed = cache.deletePrefix('a');
    await settle();
    expect(await cache.get('a1')).toBe(0);
    world.storage.release();
    expect(await removed).toBe(2);
    expect(await cache.get('a1')).toBeUndefined();
  });

  it('tells the right number when an attempt that failed had committed', async () => {
    world.storage.liesAboutCommits = true;
    const removed = cache.deletePrefix('a');
    await settle();
    world.storage.liesAboutCommits = false;
    await world.clock.advance(500);
    expect(await removed).toBe(2);
  });

  it('leaves readers the old values when it can not be written, until the database has said how it ended', async () => {
    world.storage.liesAboutCommits = true;
    const removed = expect(cache.deletePrefix('a')).rejects.toThrow(errorWith('WRITE_FAILED'));
    await world.clock.advance(1000);
    await removed;
    expect(cache.getIfPresent('a1')).toBe(0);
    world.storage.liesAboutCommits = false;
    expect(await cache.update('a1', increment)).toBe(1);
    expect(await cache.get('a2')).toBeUndefined();
    expect(await cache.get('b1')).toBe(2);
  });

  it('is not undone in memory by a read or a load that was under way', async () => {
    const small = await world.register(namespaceOf<number>(ON_CHANGE, { name: 'small', maxEntries: 1 }));
    await small.setMany(['a1', 'b1'].map((key, i) => [key, i]));
    const load = world.storage.load.bind(world.storage);
    const read = world.storage.read.bind(world.storage);
    let come: () => void = () => undefined;
    const late = new Promise<void>((resolve) => {
      come = resolve;
    });
    world.storage.load = async (...args) => {
      const page = await load(...args);
      await late;
      return page;
    };
    world.storage.read = async (...args) => {
      const rows = await read(...args);
      await late;
      return rows;
    };
    const reading = small.get('a1');
    const loading = world.engine.loadFromDatabase();
    await settle();
    const removed = small.deletePrefix('a');
    await settle();
    come();
    expect(await Promise.all([removed, cache.deletePrefix('a'), reading, loading])).toMatchObject([
      1,
      2,
      0,
      {},
    ]);
    expect(await small.get('a1')).toBeUndefined();
    expect(await cache.getMany(['a1', 'a2', 'b1'])).toEqual([undefined, undefined, 2]);
  });
});

describe('deletePrefix on ON_SHUTDOWN', () => {
  let world: EngineWorld;
  let cache: NamespaceCache<string, number>;

  beforeEach(async () => {
    world = new EngineWorld({ checkpointIntervalMs: false, maxDirty: 10 });
    cache = await world.register(namespaceOf<number>(ON_SHUTDOWN, { maxEntries: 2 }));
    await cache.setMany(['a1', 'a2', 'b1', 'c1'].map((key, i) => [key, i]));
    await cache.flush();
  });

  it('is written before what comes after it, in one operation', async () => {
    expect(await cache.deletePrefix('a')).toBe(2);
    await cache.set('a2', 7);
    expect(cache.stats().dirty).toBe(2);
    const before = world.storage.committed.length;
    await cache.flush();
    expect(world.storage.committed.slice(before)).toMatchObject([
      { clear: ON_SHUTDOWN, range: { prefix: 'a' } },
      [{ key: 'a2', value: '7' }],
    ]);
    expect(await world.stored(ON_SHUTDOWN)).toEqual({ a2: 7, b1: 2, c1: 3 });
    expect(cache.stats().dirty).toBe(0);
  });

  it('counts what is dirty over the rows, pending removals left out', async () => {
    await cache.setMany([
      ['a1', 5],
      ['a3', 6],
    ]);
    await cache.delete('a2');
    expect(await cache.deletePrefix('a')).toBe(2);
    await cache.set('a9', 1);
    expect(await cache.count()).toBe(3);
    expect(await cache.deletePrefix('a9')).toBe(1);
    expect(await cache.deletePrefix('')).toBe(2);
    expect(await cache.count()).toBe(0);
    await cache.flush();
    expect(await world.stored(ON_SHUTDOWN)).toEqual({});
  });

  it('does not come over what was set while it, or a batch before it, was on its way', async () => {
    const all = await world.register(namespaceOf<number>(ON_SHUTDOWN, { name: 'all' }));
    await all.setMany(['a1', 'a2', 'b1', 'c1'].map((key, i) => [key, i]));
    await all.flush();
    world.storage.hold();
    await all.setMany([
      ['a1', 5],
      ['b1', 6],
    ]);
    const flushed = all.flush();
    await settle();
    // Memory holds all there is: nothing has to be waited for.
    expect(await all.deletePrefix('a')).toBe(2);
    // The very value that is being written: it has to be written once more.
    await all.set('a1', 5);
    world.storage.release();
    await flushed;
    await all.flush();
    expect(await world.stored('all')).toEqual({ a1: 5, b1: 6, c1: 3 });
    expect(all.stats()).toMatchObject({ dirty: 0, dirtyBytes: 0 });
  });

  it('waits for the write under way where it has to ask how many there are', async () => {
    world.storage.hold();
    await cache.set('a1', 5);
    await cache.set('d1', 5);
    const flushed = cache.flush();
    await settle();
    const removed = cache.deletePrefix('a');
    const set = cache.set('a2', 7);
    await settle();
    expect(cache.stats().waiting).toBe(2);
    world.storage.release();
    expect(await removed).toBe(2);
    await Promise.all([set, flushed]);
    await cache.flush();
    expect(await world.stored(ON_SHUTDOWN)).toEqual({ a2: 7, b1: 2, c1: 3, d1: 5 });
  });

  it('is kept while the database is away, and tells so where it has to ask', async () => {
    const all = await world.register(namespaceOf<number>(ON_SHUTDOWN, { name: 'all' }));
    await all.setMany(['a1', 'b1'].map((key, i) => [key, i]));
    await all.flush();
    world.storage.down = new ChaosError('transient');
    await expect(cache.deletePrefix('a')).rejects.toThrow(errorWith('READ_FAILED'));
    expect(await all.deletePrefix('a')).toBe(1);
    expect(await all.flush()).toMatchObject({ failed: 1, remaining: 1 });
    world.storage.down = undefined;
    expect(await cache.deletePrefix('a')).toBe(2);
    await world.clock.advance(60_000);
    expect(await world.stored('all')).toEqual({ b1: 1 });
    await cache.flush();
    expect(await world.stored(ON_SHUTDOWN)).toEqual({ b1: 2, c1: 3 });
  });

  it('takes room like any other write, and waits for it', async () => {
    const all = await world.register(namespaceOf<number>(ON_SHUTDOWN, { name: 'all' }));
    world.storage.down = new ChaosError('transient');
    const letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'];
    for (const letter of letters.slice(0, 9)) await all.set(letter, 1);
    for (const letter of letters.slice(0, 9)) expect(await all.deletePrefix(letter)).toBe(1);
    expect(all.stats().dirty).toBe(9);
    await all.set('j', 1);
    void all.set('k', 1);
    const waiting = all.deletePrefix('j');
    await settle();
    expect(all.stats()).toMatchObject({ dirty: 10, waiting: 2 });
    world.storage.down = undefined;
    await world.clock.advance(60_000);
    expect(await waiting).toBe(1);
    await all.flush();
    expect(all.stats()).toMatchObject({ dirty: 0, waiting: 0 });
    expect(await world.stored('all')).toEqual({ k: 1 });
    // Everything was given back: as much may be dirty as before.
    world.storage.hold();
    for (const letter of letters.slice(0, 9)) await all.set(letter, 1);
    expect(all.stats()).toMatchObject({ dirty: 9, waiting: 0 });
    world.storage.release();
  });

  it('loses no entry that was moved out of its range before, whenever the process is killed', async () => {
    await cache.rename('a1', 'z');
    await cache.rename('a2', 'y');
    expect(await cache.deletePrefix('a')).toBe(0);
    await cache.set('a3', 1);
    expect(await cache.deletePrefix('a')).toBe(1);
    // Killed before the second of the transactions: what was moved is there under one name or the other.
    world.storage.clearRange = async () => {
      throw new ChaosError('transient');
    };
    expect(await cache.flush()).toMatchObject({ failed: 1 });
    expect(await world.stored(ON_SHUTDOWN)).toMatchObject({ z: 0, y: 1 });
    world.crash();
    const again = await world.register(namespaceOf<number>(ON_SHUTDOWN, { maxEntries: 2 }));
    expect(await again.getMany(['z', 'y'])).toEqual([0, 1]);
  });

  it('is not undone in memory by a load that comes before it is written', async () => {
    expect(await cache.deletePrefix('a')).toBe(2);
    await world.engine.loadFromDatabase();
    expect(await cache.getMany(['a1', 'a2'])).toEqual([undefined, undefined]);
    expect(await cache.get('b1')).toBe(2);
  });
});
