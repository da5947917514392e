import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CachePersistenceLevel } from '../../src/index.js';
import { increment, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';

const APP = join(import.meta.dirname, '..', 'bench', 'support', 'allocation-app.mjs');

describe('what operations cost', () => {
  it.each(Object.values(CachePersistenceLevel))('a hit makes no query (%s)', async (level) => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(level));
    await cache.set('a', 1);
    await cache.flush();
    const { reads, writes } = world.storage;
    for (let i = 0; i < 100; i += 1) await cache.get('a');
    await cache.getMany(['a', 'a']);
    await cache.getOrLoad('a', () => 2);
    await cache.has('a');
    expect(cache.getIfPresent('a')).toBe(1);
    expect([world.storage.reads, world.storage.writes]).toEqual([reads, writes]);
  });

  it.each(['getIfPresent, number keys', 'getIfPresent, string keys'])(
    'a hit allocates nothing (%s)',
    (kind) => {
      const args = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64', APP, kind];
      expect(Number(execFileSync(process.execPath, args, { encoding: 'utf8' }))).toBe(0);
    },
  );

  it('256 writers that write ten times each take eleven commits at most', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_CHANGE, { maxEntries: 1000 }));
    await Promise.all(
      Array.from({ length: 256 }, async (_, writer) => {
        for (let i = 0; i < 10; i += 1) await cache.set(`key ${writer}`, i);
      }),
    );
    expect(world.storage.writes).toBeLessThanOrEqual(11);
  });

  it('1000 updates of one key that is not in memory take a query and a commit', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_CHANGE, { maxEntries: 1 }));
    await cache.set('n', 0);
    await cache.set('other', 0);
    const { reads, writes } = world.storage;
    await Promise.all(Array.from({ length: 1000 }, () => cache.update('n', increment)));
    expect(await cache.get('n')).toBe(1000);
    expect([world.storage.reads - reads, world.storage.writes - writes]).toEqual([1, 1]);
  });

  it('1000 misses at once take a query', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_CHANGE, { maxEntries: 1 }));
    const keys = Array.from({ length: 1000 }, (_, i) => `key ${i}`);
    await cache.setMany(keys.map((key, i) => [key, i]));
    const { reads } = world.storage;
    await Promise.all(keys.slice(0, -1).map((key) => cache.get(key)));
    expect(world.storage.reads - reads).toBe(1);
  });

  it('50 000 dirty entries take five transactions, and large ones more', async () => {
    const world = new EngineWorld();
    const flush = async (count: number, value: string): Promise<number> => {
      const { writes } = world.storage;
      const name = `of ${value.length}`;
      const cache = await world.register(namespaceOf<string>(ON_SHUTDOWN, { name, maxEntries: count }));
      for (let i = 0; i < count; i += 1) void cache.set(`key ${i}`, value);
      await cache.flush();
      return world.storage.writes - writes;
    };
    expect(await flush(50_000, 'x')).toBe(5);
    // About two million characters in each.
    expect(await flush(2000, 'x'.repeat(10_000))).toBe(10);
  });
});
