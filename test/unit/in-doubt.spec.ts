import { describe, expect, it } from 'vitest';
import type { NamespaceCache } from '../../src/index.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { errorWith, increment, namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';

interface Doubtful {
  readonly world: EngineWorld;
  readonly cache: NamespaceCache<string, number>;
}

/** A world in which `write` has committed, and was given up on because no answer ever said so. */
async function inDoubt(
  write: (cache: NamespaceCache<string, number>) => Promise<unknown>,
): Promise<Doubtful> {
  const world = new EngineWorld({ writeTimeoutMs: 100 });
  const cache = await world.register(namespaceOf<number>(ON_CHANGE));
  await cache.setMany([
    ['a', 1],
    ['b', 1],
  ]);
  world.storage.liesAboutCommits = true;
  const state = { isOver: false };
  const outcome = expect(write(cache))
    .rejects.toEqual(errorWith('WRITE_FAILED'))
    .finally(() => {
      state.isOver = true;
    });
  // No further: the database is soon asked.
  while (!state.isOver) await world.clock.advance(1);
  await outcome;
  return { world, cache };
}

describe('an ON_CHANGE write that was given up on, and had committed', () => {
  it('is not seen by readers while the database has not been asked', async () => {
    const { cache } = await inDoubt((doubtful) => doubtful.set('a', 5));
    expect(await cache.get('a')).toBe(1);
  });

  it('is what the next update builds on', async () => {
    const { world, cache } = await inDoubt((doubtful) => doubtful.set('a', 5));
    world.storage.liesAboutCommits = false;
    expect(await cache.update('a', increment)).toBe(6);
    expect(await world.stored(ON_CHANGE)).toEqual({ a: 6, b: 1 });
  });

  it('is what memory shows once the database was asked, also when nobody writes', async () => {
    const { world, cache } = await inDoubt((doubtful) => doubtful.set('a', 5));
    await world.clock.advance(1000);
    expect(cache.getIfPresent('a')).toBe(5);
    expect(world.clock.timers).toBe(0);
  });

  it('answers a delete of a key that it created', async () => {
    const { world, cache } = await inDoubt((doubtful) => doubtful.set('new', 5));
    world.storage.liesAboutCommits = false;
    expect(await cache.delete('new')).toBe(true);
    expect(await world.stored(ON_CHANGE)).toEqual({ a: 1, b: 1 });
  });

  it('leaves a deleted key deleted', async () => {
    const { world, cache } = await inDoubt((doubtful) => doubtful.delete('a'));
    world.storage.liesAboutCommits = false;
    expect(await cache.update('a', increment)).toBe(1);
    expect(await cache.get('a')).toBe(1);
  });

  it('leaves a renamed entry where it went', async () => {
    const { world, cache } = await inDoubt((doubtful) => doubtful.rename('a', 'c'));
    world.storage.liesAboutCommits = false;
    expect(await cache.rename('a', 'd')).toBe(false);
    expect(await cache.get('c')).toBe(1);
    expect(await cache.get('a')).toBeUndefined();
  });

  it('leaves a cleared namespace empty', async () => {
    const { world, cache } = await inDoubt((doubtful) => doubtful.clear());
    expect(await cache.get('a')).toBe(1);
    world.storage.liesAboutCommits = false;
    expect(await cache.update('a', increment)).toBe(1);
    expect(await cache.get('b')).toBeUndefined();
  });

  it('is asked for once, not by every later write', async () => {
    const { world, cache } = await inDoubt((doubtful) => doubtful.set('a', 5));
    world.storage.liesAboutCommits = false;
    const { reads } = world.storage;
    await cache.update('b', increment);
    await cache.update('b', increment);
    expect(world.storage.reads - reads).toBe(1);
  });

  it('is in doubt also when a second attempt is refused', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    world.storage.liesAboutCommits = true;
    const refused = expect(cache.set('a', 1)).rejects.toEqual(errorWith('ENTRY_REFUSED'));
    await settle();
    world.storage.poison.add('a');
    await world.clock.advance(25);
    await refused;
    expect(await cache.rename('a', 'a')).toBe(true);
  });
});

describe('a clear in doubt', () => {
  it('is not undone in memory by a load that read its pages before', async () => {
    const world = new EngineWorld({ writeTimeoutMs: 100 });
    const keys = Array.from({ length: 150 }, (_, i) => `k${i}`);
    const puts = keys.map((key) => ({ key, value: '1', expiresAt: null }));
    await writeChanges(world.rows, [{ namespace: 'on_change', puts }], 1);
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    // The first page is read now and comes late.
    const load = world.storage.load.bind(world.storage);
    let come: () => void = () => undefined;
    const late = new Promise<void>((resolve) => {
      come = resolve;
    });
    world.storage.load = async (namespace, page) => {
      const rows = await load(namespace, page);
      await late;
      return rows;
    };
    const loaded = world.engine.loadFromDatabase();
    await settle();
    world.storage.liesAboutCommits = true;
    const cleared = expect(cache.clear()).rejects.toEqual(errorWith('WRITE_FAILED'));
    await world.clock.advance(200);
    await cleared;
    world.storage.liesAboutCommits = false;
    await world.clock.advance(60_000);
    come();
    await loaded;
    expect(await cache.get('k1')).toBeUndefined();
    expect(cache.size).toBe(0);
  });
});

describe('an ON_CHANGE update that was written together with one that was given up on', () => {
  it('counts once where that attempt had committed, though nobody said so', async () => {
    const world = new EngineWorld({ writeTimeoutMs: 100 });
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    await cache.set('a', 1);
    // Under way: those that come meanwhile go into the next commit.
    world.storage.hold();
    const first = cache.update('a', increment);
    await settle();
    await world.clock.advance(10);
    const givenUp = expect(cache.update('a', increment)).rejects.toEqual(errorWith('WRITE_FAILED'));
    await world.clock.advance(70);
    const kept = cache.update('a', increment);
    world.storage.liesAboutCommits = false;
    world.storage.release();
    expect(await first).toBe(2);
    world.storage.liesAboutCommits = true;
    await settle();
    await world.clock.advance(35);
    await givenUp;
    world.storage.liesAboutCommits = false;
    await world.clock.advance(1000);
    expect(await kept).toBe(4);
    expect(await world.stored(ON_CHANGE)).toEqual({ a: 4 });
  });
});
