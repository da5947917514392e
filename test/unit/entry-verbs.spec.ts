import { beforeEach, describe, expect, it } from 'vitest';
import { CachePersistenceLevel, defineNamespace, stringKey, type NamespaceCache } from '../../src/index.js';
import { STAMP, writeChanges } from '../../src/testing/contract/changes.js';
import { ChaosError } from '../support/chaos-storage.js';
import { errorWith, MEMORY_ONLY, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { EngineWorld } from '../support/engine-world.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { RecordingLogger } from '../support/recording-logger.js';

const HOUR_MS = 3_600_000;

describe.each([ON_CHANGE, ON_SHUTDOWN])('an entry that is in the database alone (%s)', (level) => {
  let world: EngineWorld;
  let cache: NamespaceCache<string, number>;

  beforeEach(async () => {
    world = new EngineWorld({ writeTimeoutMs: 100 });
    cache = await world.register(namespaceOf<number>(level, { maxEntries: 1, ttlMs: HOUR_MS }));
    await cache.set('a', 1, { ttlMs: 5000 });
    // Pushes it out.
    await cache.set('b', 1);
    await cache.flush();
  });

  it('wins over setIfAbsent', async () => {
    expect(await cache.setIfAbsent('a', 2)).toBe(false);
    expect(await cache.get('a')).toBe(1);
    expect(await cache.ttl('a')).toBe(5000);
  });

  it('is counted up, and keeps its expiry', async () => {
    expect(await cache.increment('a', 4)).toBe(5);
    expect(await cache.ttl('a')).toBe(5000);
  });

  it('is taken', async () => {
    expect(await cache.take('a')).toBe(1);
    await cache.flush();
    expect(await world.stored(level)).toEqual({ b: 1 });
  });

  it('is touched, and a restart finds the new expiry and the value', async () => {
    expect(await cache.touch('a', { ttlMs: 9000 })).toBe(true);
    await world.restart();
    cache = await world.register(namespaceOf<number>(level));
    expect(await cache.ttl('a')).toBe(9000);
    expect(await cache.get('a')).toBe(1);
  });

  it('says how long it has left, and stays where it is', async () => {
    const { hits, misses } = cache.stats();
    await world.clock.advance(1000);
    expect(await cache.ttl('a')).toBe(4000);
    await world.clock.advance(4000);
    expect(await cache.ttl('a')).toBeUndefined();
    expect(cache.stats()).toMatchObject({ hits, misses });
  });

  it('is given by refresh', async () => {
    expect(cache.getIfPresent('a')).toBeUndefined();
    expect(await cache.refresh('a')).toBe(1);
    expect(cache.getIfPresent('a')).toBe(1);
  });
});

describe.each([ON_CHANGE, ON_SHUTDOWN])('an unreadable row (%s)', (level) => {
  it('is replaced by set and delete alone: everything else rejects, and leaves it as it is', async () => {
    const world = new EngineWorld();
    const row = { key: 'bad', value: '{', expiresAt: null };
    await writeChanges(world.rows, [{ namespace: level, puts: [row] }], 1);
    const cache = await world.register(namespaceOf<number>(level));
    const calls = [
      () => cache.get('bad'),
      () => cache.update('bad', () => 1),
      () => cache.setIfAbsent('bad', 1),
      () => cache.increment('bad'),
      () => cache.take('bad'),
      () => cache.touch('bad', { ttlMs: null }),
      () => cache.ttl('bad'),
      () => cache.refresh('bad'),
      () => cache.rename('bad', 'good'),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow(errorWith('UNREADABLE_ENTRY'));
    await cache.flush();
    expect(await world.rows.read(level, ['bad', 'good'])).toEqual([{ ...row, stamp: STAMP }]);
    await cache.set('bad', 1);
    expect(await cache.increment('bad')).toBe(2);
  });
});

describe('setIfAbsent', () => {
  it('stores what was given at the call, whatever becomes of the object', async () => {
    for (const level of [ON_CHANGE, ON_SHUTDOWN]) {
      const world = new EngineWorld();
      const cache = await world.register(namespaceOf<{ n: number }>(level));
      const given = { n: 1 };
      const stored = cache.setIfAbsent('a', given);
      given.n = 2;
      expect(await stored).toBe(true);
      expect(await cache.get('a')).toEqual({ n: 1 });
    }
  });

  it('counts the value that it holds while it waits for the database', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<string>(ON_SHUTDOWN, { maxEntries: 1 }));
    await cache.setMany([
      ['a', 'x'],
      ['b', 'x'],
    ]);
    await cache.flush();
    const lost = cache.setIfAbsent('a', 'y'.repeat(98));
    expect(cache.stats()).toMatchObject({ waiting: 1, waitingBytes: 200 });
    expect(await lost).toBe(false);
    expect(cache.stats()).toMatchObject({ waiting: 0, waitingBytes: 0 });
  });

  it('leaves a load in flight alone when there is a value, and wins over it when there is none', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<string>(ON_CHANGE));
    let finish: (value: string) => void = () => undefined;
    const load = cache.getOrLoad('a', () => new Promise<string>((resolve) => (finish = resolve)));
    await settle();
    expect(await cache.setIfAbsent('a', 'mine')).toBe(true);
    finish('loaded');
    await load;
    expect(await cache.get('a')).toBe('mine');
  });
});

describe('getOrLoad', () => {
  it('leaves a value alone that was on its way to its commit while it loaded, and its expiry', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    world.storage.hold();
    const set = cache.set('a', 1, { ttlMs: 5000 });
    const loaded = cache.getOrLoad('a', () => 2, { ttlMs: 1000 });
    await settle();
    world.storage.release();
    await set;
    expect([await loaded, await cache.ttl('a')]).toEqual([1, 5000]);
  });
});

describe('overlapping operations of one ON_CHANGE key', () => {
  it('are folded into one commit, each with its own answer', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    const { writes } = world.storage;
    const answers = await Promise.all([
      cache.setIfAbsent('n', 10),
      cache.setIfAbsent('n', 20),
      cache.increment('n'),
      cache.touch('n', { ttlMs: 1000 }),
      cache.take('n'),
      cache.take('n'),
      cache.touch('n', { ttlMs: 1000 }),
      cache.increment('n', 5),
    ]);
    expect(answers).toEqual([true, false, 11, true, 11, undefined, false, 5]);
    expect(world.storage.writes - writes).toBe(1);
    expect(await cache.ttl('n')).toBeNull();
  });

  it('1000 increments take one commit', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    const { writes } = world.storage;
    const sums = await Promise.all(Array.from({ length: 1000 }, () => cache.increment('n')));
    expect(sums).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
    expect(world.storage.writes - writes).toBe(1);
  });
});

describe('an attempt whose end nobody knows', () => {
  /** Lives through a commit that is reported as failed, beside a write that is given up on. */
  async function lived<T>(
    committed: boolean,
    call: (cache: NamespaceCache<string, number>) => Promise<T>,
  ): Promise<{ answer: T; cache: NamespaceCache<string, number>; world: EngineWorld }> {
    const world = new EngineWorld({ writeTimeoutMs: 100 });
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    await cache.set('a', 1, { ttlMs: HOUR_MS });
    world.storage.hold();
    const blocking = cache.set('blocking', 1);
    await settle();
    const overdue = cache.set('overdue', 1);
    await world.clock.advance(60);
    const called = call(cache);
    world.storage.release();
    await blocking;
    // The next commit holds both.
    if (committed) world.storage.liesAboutCommits = true;
    else world.storage.down = new ChaosError('transient');
    await world.clock.advance(45);
    world.storage.liesAboutCommits = false;
    world.storage.down = undefined;
    await expect(overdue).rejects.toThrow(errorWith('WRITE_FAILED'));
    await world.clock.advance(1000);
    return { answer: await called, cache, world };
  }

  it.each([true, false])('touches once and leaves the value alone (committed: %s)', async (committed) => {
    const { answer, cache, world } = await lived(committed, (a) => a.touch('a', { ttlMs: 2 * HOUR_MS }));
    expect(answer).toBe(true);
    const expiresAt = world.clock.now() + ((await cache.ttl('a')) ?? 0);
    expect(expiresAt - world.clock.now()).toBeGreaterThan(HOUR_MS);
    expect(await world.rows.read(ON_CHANGE, ['a'])).toMatchObject([{ key: 'a', value: '1', expiresAt }]);
  });

  it.each([true, false])('counts once (committed: %s)', async (committed) => {
    const { answer, cache } = await lived(committed, (a) => a.increment('a'));
    expect([answer, await cache.get('a')]).toEqual([2, 2]);
  });

  it.each([true, false])('gives what it takes (committed: %s)', async (committed) => {
    const { answer, world } = await lived(committed, (a) => a.take('a'));
    expect(answer).toBe(1);
    expect(await world.rows.read(ON_CHANGE, ['a'])).toEqual([]);
  });

  it.each([true, false])('wins once (committed: %s)', async (committed) => {
    const { answer, cache } = await lived(committed, (a) => a.setIfAbsent('new', 7));
    expect([answer, await cache.setIfAbsent('new', 8), await cache.get('new')]).toEqual([true, false, 7]);
  });
});

describe('touch', () => {
  it('writes an expiry alone: a flush that is under way with the old one does not make it clean', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    await cache.set('a', 1, { ttlMs: 1000 });
    world.storage.hold();
    const flushed = cache.flush();
    await settle();
    expect(await cache.touch('a', { ttlMs: null })).toBe(true);
    world.storage.release();
    await flushed;
    expect(cache.stats().dirty).toBe(1);
    await cache.flush();
    expect((await world.rows.read(ON_SHUTDOWN, ['a']))[0]?.expiresAt).toBeNull();
  });

  it('that changes nothing writes nothing', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    await cache.set('a', 1);
    const { writes } = world.storage;
    expect(await cache.touch('a', { ttlMs: Infinity })).toBe(true);
    expect(world.storage.writes).toBe(writes);
  });

  it('of a dirty entry that left memory asks no database', async () => {
    const world = new EngineWorld({ checkpointIntervalMs: false });
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN, { maxEntries: 1 }));
    world.storage.down = new ChaosError('transient');
    await cache.set('a', 1);
    await cache.set('b', 1);
    expect(await cache.touch('a', { ttlMs: 500 })).toBe(true);
    expect(await cache.ttl('a')).toBe(500);
    expect(await cache.increment('a')).toBe(2);
    expect(await cache.take('b')).toBe(1);
    world.storage.down = undefined;
    await cache.flush();
    expect(await world.rows.read(ON_SHUTDOWN, ['a', 'b'])).toMatchObject([
      { key: 'a', value: '2', expiresAt: world.clock.now() + 500 },
    ]);
  });

  it('needs a time to live', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(MEMORY_ONLY));
    await cache.set('a', 1);
    for (const options of [undefined, {}, { ttlMs: undefined }, { ttlMs: 0 }, 5000])
      await expect(cache.touch('a', options as never)).rejects.toThrow(errorWith('INVALID_OPTION'));
    await expect(cache.touch('a', {} as never)).rejects.toThrow(/ttlMs: 5000.*ttlMs: null/);
  });
});

describe('increment', () => {
  it.each(Object.values(CachePersistenceLevel))(
    'refuses what is no number, and changes nothing (%s)',
    async (level) => {
      const world = new EngineWorld();
      const cache = await world.register(namespaceOf<number>(level));
      await cache.set('n', 1);
      for (const by of ['1', NaN, Infinity, null, 1n])
        await expect(cache.increment('n', by as number)).rejects.toThrow(errorWith('INVALID_VALUE'));
      expect(await cache.get('n')).toBe(1);
      await cache.set('text', 'x' as never);
      await expect(cache.increment('text')).rejects.toThrow(errorWith('INVALID_VALUE'));
      expect(await cache.get('text')).toBe('x');
      await cache.set('large', Number.MAX_SAFE_INTEGER);
      await expect(cache.increment('large')).rejects.toThrow(errorWith('INVALID_VALUE'));
      expect(await cache.increment('large', -1)).toBe(Number.MAX_SAFE_INTEGER - 1);
    },
  );

  it('takes fractions', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    await cache.increment('n', 0.5);
    expect(await cache.increment('n', 0.25)).toBe(0.75);
  });

  it('gives what readers get, whatever the codec makes of a number', async () => {
    const world = new EngineWorld();
    const cents = { encode: (n: number) => n.toFixed(2), decode: Number, plain: true };
    const cache = await world.register(
      defineNamespace({ name: 'cents', key: stringKey(), value: cents, persistence: ON_SHUTDOWN }),
    );
    expect(await cache.increment('n', 0.125)).toBe(0.13);
    expect(await cache.get('n')).toBe(0.13);
  });
});

describe('refresh', () => {
  const row = (value: string) => [{ namespace: ON_CHANGE, puts: [{ key: 'a', value, expiresAt: null }] }];

  it('gives a row that somebody else has written, also where memory holds everything', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    await writeChanges(world.rows, row('1'), 1);
    expect(await cache.get('a')).toBeUndefined();
    expect(await cache.refresh('a')).toBe(1);
    expect(cache.getIfPresent('a')).toBe(1);
    await writeChanges(world.rows, row('2'), 2);
    expect(await cache.refresh('a')).toBe(2);
    await writeChanges(world.rows, [{ namespace: ON_CHANGE, deletes: ['a'] }], 3);
    expect(await cache.refresh('a')).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  it('is not answered by a read that began before it', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_CHANGE, { maxEntries: 1 }));
    await cache.set('a', 1);
    await cache.set('b', 1);
    const read = world.storage.read.bind(world.storage);
    const answers: (() => void)[] = [];
    world.storage.read = async (namespace, keys) => {
      const rows = await read(namespace, keys);
      await new Promise<void>((resolve) => answers.push(resolve));
      return rows;
    };
    const got = cache.get('a');
    await settle();
    await writeChanges(world.rows, row('2'), 2);
    const refreshed = cache.refresh('a');
    await settle();
    // The later one is answered first.
    answers[1]?.();
    expect(await refreshed).toBe(2);
    answers[0]?.();
    expect(await got).toBe(2);
    expect(cache.getIfPresent('a')).toBe(2);
  });

  it('puts nothing over a write that came while it read', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    await cache.set('a', 1);
    await cache.flush();
    const refreshed = cache.refresh('a');
    await cache.set('a', 2);
    expect(await refreshed).toBe(2);
    expect(await cache.get('a')).toBe(2);
  });

  it('leaves what is dirty as it is, in memory or not, deleted or cleared', async () => {
    const world = new EngineWorld({ checkpointIntervalMs: false });
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN, { maxEntries: 1 }));
    await cache.setMany([
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ]);
    await cache.flush();
    world.storage.hold();
    await cache.set('a', 2);
    await cache.set('b', 2);
    await cache.delete('c');
    expect([await cache.refresh('a'), await cache.refresh('b'), await cache.refresh('c')]).toEqual([
      2,
      2,
      undefined,
    ]);
    await cache.clear();
    expect(await cache.refresh('a')).toBeUndefined();
    world.storage.release();
  });

  it('rejects when the database can not be read, and leaves memory as it was', async () => {
    for (const level of [ON_CHANGE, ON_SHUTDOWN]) {
      const world = new EngineWorld();
      const cache = await world.register(namespaceOf<number>(level));
      await cache.set('a', 1);
      await cache.flush();
      world.storage.down = new ChaosError('transient');
      await expect(cache.refresh('a')).rejects.toThrow(errorWith('READ_FAILED'));
      expect(await cache.get('a')).toBe(1);
    }
  });
});

describe.each(Object.values(CachePersistenceLevel))('never (%s)', (level) => {
  it.each([null, Infinity])(
    'is a time to live of %o, also where the namespace has another',
    async (ttlMs) => {
      const world = new EngineWorld();
      const cache = await world.register(namespaceOf<number>(level, { ttlMs: 1000 }));
      await cache.set('set', 1, { ttlMs });
      await cache.setMany([['many', 1]], { ttlMs });
      await cache.setIfAbsent('absent', 1, { ttlMs });
      await cache.getOrLoad('loaded', () => 1, { ttlMs });
      await cache.update('update', () => 1, { ttlMs });
      await cache.set('over', 1);
      await cache.set('over', 2, { ttlMs });
      await cache.set('touch', 1);
      await cache.touch('touch', { ttlMs });
      await cache.set('default', 1);
      await cache.increment('counter');
      const names = ['set', 'many', 'absent', 'loaded', 'update', 'over', 'touch'];
      for (const name of names) expect(await cache.ttl(name), name).toBeNull();
      expect([await cache.ttl('default'), await cache.ttl('counter')]).toEqual([1000, 1000]);
      await world.clock.advance(1000);
      expect([...cache.keys()].toSorted()).toEqual(names.toSorted());
      if (level === MEMORY_ONLY) return;
      await world.restart();
      const again = await world.register(namespaceOf<number>(level, { ttlMs: 1000 }));
      for (const name of names) expect(await again.ttl(name), name).toBeNull();
    },
  );
});

/** Time passes with each look at the clock. */
class TickingClock extends FakeClock {
  #ticks = 0;
  override readonly now = (): number => this.monotonic() + (this.#ticks += 1);
}

describe.each([MEMORY_ONLY, ON_CHANGE, ON_SHUTDOWN])('an expiry that stays (%s)', (level) => {
  it('stays to the millisecond, however often the entry is changed', async () => {
    const clock = new TickingClock();
    const rows = new InMemoryStorage();
    const engine = new CacheEngine(
      () => rows,
      resolveEngineOptions({}),
      {},
      { clock, logger: new RecordingLogger(), random: () => 0.5 },
    );
    const cache = await engine.register(namespaceOf<number>(level, { ttlMs: HOUR_MS }));
    await cache.set('n', 1);
    const before = clock.now() + ((await cache.ttl('n')) ?? 0);
    for (let i = 0; i < 1000; i += 1) await cache.increment('n');
    const after = clock.now() + ((await cache.ttl('n')) ?? 0);
    expect(Math.abs(after - before)).toBeLessThan(10);
    await engine.stop();
  });
});
