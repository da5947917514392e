import { describe, expect, it, vi } from 'vitest';
import { defineNamespace, json, stringKey, type NamespaceCache, type ValueCodec } from '../../src/index.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
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

const LEVELS = [MEMORY_ONLY, ON_CHANGE, ON_SHUTDOWN];
const PERSISTED = [ON_CHANGE, ON_SHUTDOWN];

/** A namespace with room for two, in which the first of three keys was evicted. */
async function withEvicted(world: EngineWorld, key = 'a'): Promise<NamespaceCache<string, number>> {
  const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN, { maxEntries: 2 }));
  for (const each of [key, 'y', 'z']) await cache.set(each, 41);
  return cache;
}

/** Storage reads wait until the returned function is called. */
function holdReads(world: EngineWorld): () => void {
  const read = world.rows.read.bind(world.rows);
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  world.rows.read = async (namespace, keys) => {
    await gate;
    return read(namespace, keys);
  };
  return open;
}

describe('a clear of a write-back namespace', () => {
  it('does not take the same value, set after it, for the one that is being written', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    await cache.set('a', 1);
    world.storage.hold();
    const flush = cache.flush();
    await settle();
    await cache.clear();
    await cache.set('a', 1);
    world.storage.release();
    await flush;
    await cache.flush();
    expect(await world.stored(cache.definition.name)).toEqual({ a: 1 });
  });

  it('waits for the writes called before it, which still build on what there was', async () => {
    const world = new EngineWorld();
    const cache = await withEvicted(world);
    await cache.flush();
    const openReads = holdReads(world);
    const update = cache.update('a', increment);
    const clear = cache.clear();
    const later = cache.set('b', 1);
    const flush = cache.flush();
    await settle();
    openReads();
    expect(await update).toBe(42);
    await Promise.all([clear, later, flush]);
    await cache.flush();
    expect(await world.stored(cache.definition.name)).toEqual({ b: 1 });
  });
});

describe('a load at runtime', () => {
  it('does not take memory for complete when an evicted entry was dirty at its beginning', async () => {
    const world = new EngineWorld();
    const cache = await withEvicted(world);
    await world.engine.loadFromDatabase();
    await cache.flush();
    expect(await cache.get('a')).toBe(41);
    expect(await cache.update('a', increment)).toBe(42);
  });

  it('puts no page over an evicted entry that is written while the page is on its way', async () => {
    const world = new EngineWorld();
    const cache = await withEvicted(world);
    await cache.flush();
    await cache.update('a', () => 50);
    for (const key of ['y', 'z']) await cache.get(key);
    const load = world.rows.load.bind(world.rows);
    world.rows.load = async (namespace, page) => {
      const loaded = await load(namespace, page);
      await settle();
      return loaded;
    };
    await Promise.all([world.engine.loadFromDatabase(), cache.flush()]);
    expect(await cache.get('a')).toBe(50);
  });

  describe.each([ON_CHANGE, ON_SHUTDOWN])('on %s that fails after its first page', (level) => {
    const puts = Array.from({ length: 3500 }, (_, i) => ({
      key: `k${1000 + i}`,
      value: '1',
      expiresAt: null,
    }));

    /** A load whose second page fails after `meanwhile`. */
    async function failingLoad(world: EngineWorld, meanwhile: () => Promise<void>): Promise<void> {
      const load = world.rows.load.bind(world.rows);
      world.rows.load = async (namespace, page) => {
        if (page.after === undefined) return load(namespace, page);
        await meanwhile();
        throw new Error('gone');
      };
      await expect(world.engine.loadFromDatabase()).rejects.toThrow(errorWith('READ_FAILED'));
      world.rows.load = load;
    }

    it('leaves memory as it was, and what is known of what is not there', async () => {
      const world = new EngineWorld();
      await writeChanges(world.rows, [{ namespace: level, puts }], 1);
      const cache = await world.register(namespaceOf<number>(level, { maxEntries: 3600 }));
      await cache.set('own', 2);
      const { reads } = world.storage;
      await failingLoad(world, async () => {
        await cache.set('k1000', 3);
        await cache.delete('k1001');
      });
      expect(cache.size).toBe(3500);
      expect([cache.getIfPresent('own'), cache.getIfPresent('k1000')]).toEqual([2, 3]);
      expect(cache.getIfPresent('k4499')).toBe(1);
      expect(await cache.get('k1001')).toBeUndefined();
      expect(await cache.get('never')).toBeUndefined();
      expect(world.storage.reads).toBe(reads);
      // And the next one loads what there is.
      await cache.flush();
      expect(await world.engine.loadFromDatabase()).toMatchObject({ rows: 3500 });
      expect(cache.getIfPresent('k1000')).toBe(3);
      await world.engine.stop();
    });

    it('leaves a full memory as it was', async () => {
      const world = new EngineWorld();
      await writeChanges(world.rows, [{ namespace: level, puts }], 1);
      const cache = await world.register(namespaceOf<number>(level, { maxEntries: 300 }));
      for (const { key } of puts.slice(-300)) await cache.get(key);
      const before = [...cache.keys()];
      await failingLoad(world, async () => undefined);
      expect([...cache.keys()]).toEqual(before);
      await world.engine.stop();
    });
  });

  it('reads no further than memory holds, in entries and in bytes', async () => {
    const world = new EngineWorld();
    const puts = Array.from({ length: 3500 }, (_, i) => ({
      key: `k${1000 + i}`,
      value: '"x"',
      expiresAt: null,
    }));
    for (const namespace of ['few', 'small']) await writeChanges(world.rows, [{ namespace, puts }], 1);
    const load = world.rows.load.bind(world.rows);
    let pages = 0;
    world.rows.load = (...page) => {
      pages += 1;
      return load(...page);
    };
    const few = await world.register(namespaceOf(ON_CHANGE, { name: 'few', maxEntries: 50 }));
    const small = await world.register(
      namespaceOf(ON_CHANGE, { name: 'small', maxEntries: 10_000, maxBytes: 150 }),
    );
    expect([few.size, small.size]).toEqual([50, 50]);
    // The next page is on its way while one is decoded.
    expect(pages).toBe(4);
    await world.engine.stop();
  });

  it('misses nothing while another one is under way', async () => {
    const world = new EngineWorld();
    const puts = Array.from({ length: 3500 }, (_, i) => ({
      key: `k${1000 + i}`,
      value: '1',
      expiresAt: null,
    }));
    await writeChanges(world.rows, [{ namespace: 'on_change', puts }], 1);
    const cache = await world.register(namespaceOf<number>(ON_CHANGE, { maxEntries: 10_000 }));
    const load = world.rows.load.bind(world.rows);
    // One of the two is held up after its first page, the other before its last.
    let lastPages = 0;
    let secondPages = 0;
    let openLast = (): void => undefined;
    let openSecond = (): void => undefined;
    world.rows.load = async (namespace, page) => {
      const loaded = await load(namespace, page);
      if (loaded.next === undefined && (lastPages += 1) === 1)
        await new Promise<void>((resolve) => {
          openLast = resolve;
        });
      if (page.after === 'k1099' && (secondPages += 1) === 2)
        await new Promise<void>((resolve) => {
          openSecond = resolve;
        });
      return loaded;
    };
    const one = world.engine.loadFromDatabase();
    await vi.waitFor(() => expect(lastPages).toBe(1), { timeout: 20_000 });
    const other = world.engine.loadFromDatabase();
    await settle();
    openLast();
    await one;
    await vi.waitFor(() => expect(secondPages).toBe(2), { timeout: 20_000 });
    expect(await cache.get('k3000')).toBe(1);
    expect(await cache.update('k3001', increment)).toBe(2);
    openSecond();
    expect(await other).toMatchObject({ rows: 3499 });
    expect(await cache.get('k3001')).toBe(2);
  });

  it('does not bring back what is cleared while it has just begun', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    await cache.set('a', 1);
    await cache.flush();
    const load = world.engine.loadFromDatabase();
    await cache.clear();
    await load;
    expect(await cache.rename('a', 'b')).toBe(false);
    expect(await cache.get('a')).toBeUndefined();
  });

  it('leaves memory as it is when the first page can not be read', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    await cache.set('a', 1);
    world.rows.load = () => Promise.reject(new ChaosError('transient'));
    await expect(world.engine.loadFromDatabase()).rejects.toThrow(errorWith('READ_FAILED'));
    expect(cache.getIfPresent('a')).toBe(1);
  });
});

describe('a stop whose time is over', () => {
  it('acknowledges nothing more: what is unwritten has been gathered', async () => {
    const world = new EngineWorld({ maxDirty: 1, shutdownTimeoutMs: 1000 });
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    await cache.set('a', 1);
    world.storage.down = new ChaosError('transient');
    const waiting = Promise.allSettled([cache.set('b', 1), cache.set('c', 2), cache.clear()]);
    const stop = world.engine.stop();
    await world.clock.advance(5000);
    await stop;
    for (const outcome of await waiting) expect(outcome).toMatchObject({ reason: { code: 'CACHE_CLOSED' } });
  });

  it('rejects what waits for a database that never answers, on both levels', async () => {
    const world = new EngineWorld({ shutdownTimeoutMs: 1000 });
    const through = await world.register(namespaceOf<number>(ON_CHANGE));
    const back = await withEvicted(world);
    await back.flush();
    world.storage.hold();
    holdReads(world);
    const waiting = Promise.allSettled([through.set('a', 1), back.update('a', increment), back.get('a')]);
    await settle();
    const queued = Promise.allSettled([through.set('b', 1)]);
    const stop = world.engine.stop();
    await world.clock.advance(5000);
    await stop;
    for (const outcome of [...(await waiting), ...(await queued)]) expect(outcome.status).toBe('rejected');
  });

  it('takes no longer than its deadline, the first drain included', async () => {
    const world = new EngineWorld({ shutdownTimeoutMs: 1000 });
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    await cache.set('a', 1);
    world.storage.hold();
    const before = world.clock.now();
    let ended = 0;
    const stop = world.engine
      .drain()
      .then(() => world.engine.stop())
      .then(() => {
        ended = world.clock.now();
      });
    await world.clock.advance(10_000);
    await stop;
    expect(ended - before).toBeLessThanOrEqual(1000);
  });

  it('writes nothing more, least of all over what the next life has written', async () => {
    const world = new EngineWorld({ shutdownTimeoutMs: 1000 });
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    await cache.set('a', 1);
    const old = world.storage;
    old.down = new ChaosError('transient');
    const stop = world.engine.stop();
    await world.clock.advance(5000);
    await stop;
    world.crash();
    const next = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    await next.set('a', 2);
    await next.flush();
    old.down = undefined;
    await world.clock.advance(120_000);
    expect(await world.stored(ON_SHUTDOWN)).toEqual({ a: 2 });
  });
});

describe('writes that overlap a slow read', () => {
  it('wait behind an update of the key: it builds on what was there when it was called', async () => {
    const world = new EngineWorld();
    const cache = await withEvicted(world);
    await cache.flush();
    const answer = holdReads(world);
    const first = cache.update('a', increment);
    const set = cache.set('a', 1000);
    await cache.flush();
    answer();
    const second = cache.update('a', increment);
    await set;
    expect([await first, await second, await cache.get('a')]).toEqual([42, 1001, 1001]);
  });

  it('take effect also when that read fails', async () => {
    const world = new EngineWorld();
    const cache = await withEvicted(world);
    await cache.flush();
    world.storage.down = new ChaosError('transient');
    const update = expect(cache.update('a', increment)).rejects.toThrow(errorWith('READ_FAILED'));
    await cache.set('a', 7);
    await update;
    expect(await cache.get('a')).toBe(7);
  });

  it('are counted against maxDirty from their call', async () => {
    const world = new EngineWorld({ maxDirty: 5 });
    const puts = Array.from({ length: 100 }, (_, i) => ({ key: `key ${i}`, value: '1', expiresAt: null }));
    await writeChanges(world.rows, [{ namespace: ON_SHUTDOWN, puts }], 1);
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN, { maxEntries: 2 }));
    world.storage.hold();
    const updates = puts.map(({ key }) => cache.update(key, increment));
    await settle();
    expect(cache.stats().dirty).toBeLessThanOrEqual(6);
    world.storage.release();
    await Promise.all(updates);
    await cache.flush();
    expect(Object.values(await world.stored(ON_SHUTDOWN))).toEqual(puts.map(() => 2));
  });
});

describe('an outage', () => {
  it('is told to every ON_CHANGE writer about writeTimeoutMs after its call, however many there are', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    world.storage.down = new ChaosError('transient');
    const writes = Promise.allSettled(Array.from({ length: 5000 }, (_, i) => cache.set(`key ${i}`, i)));
    await world.clock.advance(11_000);
    for (const outcome of await writes) expect(outcome).toMatchObject({ reason: { code: 'WRITE_FAILED' } });
  });

  it('does not keep namespaces busy while writes wait for room', async () => {
    const world = new EngineWorld({ maxDirty: 5 });
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    await world.register(namespaceOf<number>(ON_SHUTDOWN, { name: 'idle' }));
    for (let i = 0; i < 5; i += 1) world.storage.poison.add(`key ${i}`);
    for (let i = 0; i < 5; i += 1) await cache.set(`key ${i}`, i);
    const waiting = cache.set('waits', 1);
    await settle(500);
    expect(cache.stats().writeFailures).toBeLessThan(30);
    world.storage.poison.clear();
    await world.clock.advance(60_000);
    await waiting;
  });
});

describe('a clear that fails', () => {
  it('takes with it what was answered in view of it', async () => {
    const world = new EngineWorld({ writeTimeoutMs: 100 });
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    await cache.set('x', 1);
    world.storage.down = new ChaosError('transient');
    const outcomes = Promise.allSettled([cache.clear(), cache.delete('x')]);
    await world.clock.advance(5000);
    expect((await outcomes).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
    expect(await cache.get('x')).toBe(1);
  });
});

describe('a refused rename', () => {
  it('does not hold up a later value of the old key', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    await cache.set('from', 1);
    await cache.flush();
    await cache.rename('from', 'to');
    world.storage.poison.add('to');
    await cache.flush();
    await cache.set('from', 2);
    await cache.flush();
    expect(await world.stored(ON_SHUTDOWN)).toMatchObject({ from: 2 });
  });
});

describe('iteration', () => {
  it.each(LEVELS)('ends although what is iterated over is used meanwhile (%s)', async (level) => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(level));
    for (const key of ['a', 'b', 'c']) await cache.set(key, 1);
    const seen: string[] = [];
    for (const key of cache.keys()) {
      cache.getIfPresent(key);
      seen.push(key);
    }
    for (const [key] of cache) await cache.update(key, increment);
    expect(seen).toEqual(['c', 'b', 'a']);
    expect(await cache.getMany(['a', 'b', 'c'])).toEqual([2, 2, 2]);
  });
});

describe('a codec of the app', () => {
  it.each(PERSISTED)(
    'whose values do not decode is refused at the call, and holds up nobody (%s)',
    async (persistence) => {
      const strict: ValueCodec<number> = {
        encode: (value) => JSON.stringify(value),
        decode: (text) => {
          if (Number(text) < 0) throw new TypeError('negative');
          return Number(text);
        },
      };
      const world = new EngineWorld();
      const cache = await world.register(
        defineNamespace({ name: 's', key: stringKey(), value: strict, persistence }),
      );
      await cache.set('a', 1);
      const writes = Promise.allSettled([cache.set('a', -1), cache.update('a', () => -1), cache.set('b', 2)]);
      expect((await writes).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'fulfilled']);
      await expect(cache.set('a', -1)).rejects.toThrow(errorWith('INVALID_VALUE'));
      expect(await cache.getMany(['a', 'b'])).toEqual([1, 2]);
      await cache.flush();
      expect(await world.stored('s')).toEqual({ a: 1, b: 2 });
    },
  );

  it.each(PERSISTED)('may give its updater the object to change (%s)', async (persistence) => {
    const maps: ValueCodec<Map<string, number>> = {
      encode: (map) => JSON.stringify([...map]),
      decode: (text) => new Map(JSON.parse(text) as [string, number][]),
    };
    const world = new EngineWorld();
    const cache = await world.register(
      defineNamespace({ name: 'm', key: stringKey(), value: maps, persistence }),
    );
    await cache.set('a', new Map([['x', 1]]));
    await cache.update('a', (current) => (current as Map<string, number>).set('y', 2));
    expect([...((await cache.get('a')) ?? [])]).toEqual([
      ['x', 1],
      ['y', 2],
    ]);
  });

  it.each(['\ud800', 'a\0'])('that gives text no database stores is refused: %j', async (text) => {
    const raw: ValueCodec<string> = { encode: (value) => value, decode: (stored) => stored };
    const world = new EngineWorld();
    const cache = await world.register(defineNamespace({ name: 'r', key: stringKey(), value: raw }));
    await expect(cache.set('a', text)).rejects.toThrow(errorWith('INVALID_VALUE'));
  });

  it('that freezes part of a value does not hide what is mutable in it', async () => {
    const value = json<{ inner: { tags: Set<string> } }>({
      replacer: (_key, given) => (given instanceof Set ? [...given] : given),
      reviver: (key, stored) =>
        key === 'tags' ? new Set(stored as string[]) : key === 'inner' ? Object.freeze(stored) : stored,
    });
    const world = new EngineWorld();
    const cache = await world.register(defineNamespace({ name: 'f', key: stringKey(), value }));
    await cache.set('a', { inner: { tags: new Set(['x']) } });
    ((await cache.get('a'))?.inner.tags as Set<string> | undefined)?.add('y');
    expect((await cache.get('a'))?.inner.tags.size).toBe(1);
  });
});

describe('a storage that does not open', () => {
  it('fails the registration, and nothing later', async () => {
    const world = new EngineWorld();
    world.storage.open = () => Promise.reject(new Error('no'));
    await expect(world.register(namespaceOf(ON_CHANGE))).rejects.toThrow(errorWith('STORAGE_OPEN_FAILED'));
    world.engine.start();
    await world.clock.advance(700_000);
    await world.engine.stop();
  });
});
