import { describe, expect, it } from 'vitest';
import { CachePersistenceLevel, defineNamespace, json, stringKey, type ValueCodec } from '../../src/index.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { errorWith, MEMORY_ONLY, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';

describe('memory', () => {
  it.each(Object.values(CachePersistenceLevel))(
    'holds no more than maxBytes when entries grow, read before or not (%s)',
    async (level) => {
      const world = new EngineWorld();
      const cache = await world.register(namespaceOf<string[]>(level, { maxBytes: 1000, maxEntries: 100 }));
      const small = Array.from({ length: 20 }, (): string[] => []);
      for (const [i, value] of small.entries()) await cache.set(`key ${i}`, value);
      await cache.get('key 0');
      // The same objects, which have grown.
      for (const [i, value] of small.entries()) {
        value.push('x'.repeat(400));
        await cache.set(`key ${i}`, value);
      }
      expect(cache.size).toBeLessThanOrEqual(2);
      expect(cache.stats().bytes).toBe(cache.size * 404);
      if (level === MEMORY_ONLY) return;
      await cache.flush();
      expect(await cache.get('key 0')).toEqual(['x'.repeat(400)]);
    },
  );

  it.each(Object.values(CachePersistenceLevel))(
    'holds no more than maxEntries, the most recently used ones (%s)',
    async (level) => {
      const world = new EngineWorld();
      const cache = await world.register(namespaceOf<number>(level, { maxEntries: 3 }));
      for (const key of ['a', 'b', 'c']) await cache.set(key, 1);
      cache.getIfPresent('a');
      await cache.set('d', 1);
      await cache.flush();
      expect([...cache.keys()]).toEqual(['d', 'a', 'c']);
      expect(cache.stats()).toMatchObject({ size: 3, maxSize: 3, evictions: 1 });
      expect(await cache.get('b')).toBe(level === MEMORY_ONLY ? undefined : 1);
    },
  );

  it.each(Object.values(CachePersistenceLevel))(
    'holds no more than maxBytes of encoded values (%s)',
    async (level) => {
      const world = new EngineWorld();
      const cache = await world.register(namespaceOf<string>(level, { maxBytes: 100 }));
      for (const key of ['a', 'b', 'c', 'd']) await cache.set(key, 'é'.repeat(19));
      await cache.flush();
      expect(cache.stats()).toMatchObject({ size: 2, bytes: 80 });
      expect(await cache.get('d')).toBe('é'.repeat(19));
    },
  );

  it('refuses a memory-only value larger than all of it', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<string>(MEMORY_ONLY, { maxBytes: 10 }));
    await cache.set('a', 'small');
    await expect(cache.set('a', 'much too large')).rejects.toThrow(errorWith('INVALID_VALUE'));
    expect(await cache.get('a')).toBe('small');
  });

  it.each([ON_CHANGE, ON_SHUTDOWN])(
    'keeps in the database alone what is larger than all of it (%s)',
    async (level) => {
      const world = new EngineWorld();
      const cache = await world.register(namespaceOf<string>(level, { maxBytes: 10 }));
      await cache.set('a', 'much too large');
      expect(await cache.get('a')).toBe('much too large');
      await cache.flush();
      expect(cache.size).toBe(0);
      expect(await cache.get('a')).toBe('much too large');
      expect(await cache.update('a', (text) => `${text}!`)).toBe('much too large!');
      expect(await cache.get('a')).toBe('much too large!');
    },
  );

  it('decodes afresh for every reader what can not be frozen', async () => {
    const dates: ValueCodec<Date> = {
      encode: (date) => date.toISOString(),
      decode: (text) => new Date(text),
    };
    const maps: ValueCodec<{ map: Map<string, number> }> = {
      encode: ({ map }) => JSON.stringify([...map]),
      decode: (text) => ({ map: new Map(JSON.parse(text) as [string, number][]) }),
    };
    for (const persistence of [ON_CHANGE, ON_SHUTDOWN]) {
      const world = new EngineWorld();
      const cache = await world.register(
        defineNamespace({ name: 'd', key: stringKey(), value: dates, persistence }),
      );
      await cache.set('a', new Date(0));
      (await cache.get('a'))?.setFullYear(1999);
      cache.getIfPresent('a')?.setFullYear(1999);
      expect(await cache.get('a')).toEqual(new Date(0));
      const other = await world.register(
        defineNamespace({ name: 'm', key: stringKey(), value: maps, persistence }),
      );
      await other.set('a', { map: new Map([['x', 1]]) });
      const got = (await other.get('a'))?.map as Map<string, number> | undefined;
      got?.clear();
      expect((await other.get('a'))?.map.get('x')).toBe(1);
    }
  });

  it('takes a BigInt where the codec knows what to do with it', async () => {
    const value = json<{ n: bigint }>({
      replacer: (_key, given) => (typeof given === 'bigint' ? `${given}n` : given),
      reviver: (_key, stored) =>
        typeof stored === 'string' && /^\d+n$/.test(stored) ? BigInt(stored.slice(0, -1)) : stored,
    });
    const world = new EngineWorld();
    const cache = await world.register(defineNamespace({ name: 'b', key: stringKey(), value }));
    await cache.set('a', { n: 2n ** 60n });
    expect(await cache.get('a')).toEqual({ n: 2n ** 60n });
  });

  it('keeps a memory-only value as the very object it was given', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<object>(MEMORY_ONLY));
    const given = { now: new Date() };
    await cache.set('a', given);
    expect(await cache.get('a')).toBe(given);
    expect(world.storage.writes).toBe(0);
  });
});

describe('a start', () => {
  it('loads what fits, and reads the rest when it is asked for', async () => {
    const world = new EngineWorld();
    const puts = Array.from({ length: 3500 }, (_, i) => ({
      key: `key ${String(i).padStart(4, '0')}`,
      value: `${i}`,
      expiresAt: null,
    }));
    await writeChanges(world.rows, [{ namespace: 'on_change', puts }], 1);
    const cache = await world.register(namespaceOf<number>(ON_CHANGE, { maxEntries: 2500 }));
    expect(cache.stats()).toMatchObject({ size: 2500, evictions: 0 });
    expect(await cache.get('key 3499')).toBe(3499);
    expect(await cache.get('key 9999')).toBeUndefined();
  });

  it('tells about once a second how far a long load is, and says nothing of a short one', async () => {
    const world = new EngineWorld();
    const puts = Array.from({ length: 25_000 }, (_, i) => ({ key: `${i}`, value: '1', expiresAt: null }));
    await writeChanges(world.rows, [{ namespace: 'on_change', puts }], 1);
    const load = world.storage.load.bind(world.storage);
    world.storage.load = async (...page) => {
      await world.clock.advance(100);
      return load(...page);
    };
    await world.register(namespaceOf<number>(ON_CHANGE, { maxEntries: 100_000 }));
    expect(world.logger.lines).toEqual([
      "log: Loading namespace 'on_change': 9100 rows so far, 9100 rows/s.",
      "log: Loading namespace 'on_change': 19100 rows so far, 9550 rows/s.",
    ]);
  });

  it('reads large values in smaller pages, so that none holds the event loop', async () => {
    const world = new EngineWorld();
    const value = JSON.stringify('x'.repeat(10_000));
    const puts = Array.from({ length: 500 }, (_, i) => ({ key: `${i}`, value, expiresAt: null }));
    await writeChanges(world.rows, [{ namespace: 'on_change', puts }], 1);
    const load = world.rows.load.bind(world.rows);
    const pages: number[] = [];
    world.rows.load = async (...page) => {
      const loaded = await load(...page);
      pages.push(loaded.rows.length);
      return loaded;
    };
    const cache = await world.register(namespaceOf<string>(ON_CHANGE));
    expect(cache.size).toBe(500);
    expect(pages).toEqual([100, 52, 52, 52, 52, 52, 52, 52, 36]);
  });

  it('removes expired rows from the database, and never those of namespaces nobody declared', async () => {
    const world = new EngineWorld();
    const expired = { key: 'old', value: '1', expiresAt: 5 };
    await writeChanges(
      world.rows,
      [
        { namespace: 'on_change', puts: [expired, { key: 'new', value: '1', expiresAt: null }] },
        { namespace: 'foreign', puts: [expired] },
      ],
      1,
    );
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    expect([...cache.keys()]).toEqual(['new']);
    world.engine.start();
    await world.clock.advance(1);
    expect(await world.rows.read('on_change', ['old', 'new'])).toHaveLength(1);
    expect(await world.rows.read('foreign', ['old'])).toHaveLength(1);
  });
});
