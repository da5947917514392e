import { describe, expect, it, vi } from 'vitest';
import type { CacheHealth } from '../../src/index.js';
import type { EngineOptions } from '../../src/core/engine/engine-options.js';
import { ChaosError } from '../support/chaos-storage.js';
import { MEMORY_ONLY, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';

const UP: CacheHealth = {
  status: 'up',
  reasons: [],
  dirty: 0,
  oldestUnwrittenMs: 0,
  failingSince: undefined,
  unconfirmedSince: undefined,
  instances: 1,
};

describe('the health of the cache', () => {
  it('is up while the database answers and takes writes', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf(ON_SHUTDOWN));
    expect(await world.engine.health()).toEqual(UP);
    await cache.set('a', 1);
    await world.clock.advance(5000);
    expect(await world.engine.health()).toEqual({ ...UP, dirty: 1, oldestUnwrittenMs: 5000 });
    expect(Object.isFrozen(await world.engine.health())).toBe(true);
  });

  it('is up without a database where nothing is persisted', async () => {
    const world = new EngineWorld();
    await world.register(namespaceOf(MEMORY_ONLY));
    expect(await world.engine.health()).toEqual(UP);
    expect(world.storage.reads).toBe(0);
  });

  it('is down when the database answers with an error, since the first look, and up when it is back', async () => {
    const world = new EngineWorld();
    await world.register(namespaceOf(ON_CHANGE));
    world.storage.down = new ChaosError('transient', 'ECONNREFUSED');
    const since = world.clock.now();
    const reasons = ["The database can't be read (ECONNREFUSED)."];
    expect(await world.engine.health()).toEqual({ ...UP, status: 'down', reasons, failingSince: since });
    await world.clock.advance(3000);
    expect(await world.engine.health()).toMatchObject({ status: 'down', failingSince: since });
    world.storage.down = undefined;
    expect(await world.engine.health()).toEqual(UP);
  });

  it('is down when the database says nothing within 800 ms, and asks it once for all who ask meanwhile', async () => {
    const world = new EngineWorld();
    await world.register(namespaceOf(ON_CHANGE));
    let answer: () => void = () => undefined;
    const read = vi.spyOn(world.storage, 'read').mockImplementation(
      () =>
        new Promise((resolve) => {
          answer = () => resolve([]);
        }),
    );
    const asked = [world.engine.health(), world.engine.health()];
    await world.clock.advance(799);
    asked.push(world.engine.health());
    const settled = vi.fn<() => void>();
    void Promise.all(asked.slice(0, 2)).then(settled);
    await settle();
    expect(settled).not.toHaveBeenCalled();
    await world.clock.advance(1);
    expect(settled).toHaveBeenCalledOnce();
    await world.clock.advance(800);
    for (const health of await Promise.all(asked))
      expect(health).toMatchObject({
        status: 'down',
        reasons: ['The database has not answered for 800 ms.'],
      });
    expect(read).toHaveBeenCalledOnce();
    answer();
    await settle();
    read.mockRestore();
    expect(await world.engine.health()).toEqual(UP);
  });

  it('is degraded while writes fail, and says why and since when, until one succeeds', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf(ON_SHUTDOWN));
    vi.spyOn(world.storage, 'write').mockImplementation(async () => {
      throw new ChaosError('transient', 'SQLITE_FULL');
    });
    await cache.set('a', 1);
    const since = world.clock.now();
    await cache.flush();
    await world.clock.advance(2000);
    expect(await world.engine.health()).toEqual({
      ...UP,
      status: 'degraded',
      reasons: ['Writes have been failing for 2 s (SQLITE_FULL).'],
      dirty: 1,
      oldestUnwrittenMs: 2000,
      failingSince: since,
    });
    vi.restoreAllMocks();
    await cache.flush();
    expect(await world.engine.health()).toEqual(UP);
  });

  it('does not stay degraded for a failed write that nobody repeats', async () => {
    const world = new EngineWorld({ writeTimeoutMs: 1000 });
    const cache = await world.register(namespaceOf(ON_CHANGE));
    world.storage.down = new ChaosError('transient');
    const write = expect(cache.set('a', 1)).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    await world.clock.advance(2000);
    await write;
    expect(await world.engine.health()).toMatchObject({ status: 'down', dirty: 0 });
    world.storage.down = undefined;
    await world.clock.advance(60_000);
    expect(await world.engine.health()).toMatchObject({ status: 'degraded', dirty: 0 });
    await settle();
    expect(await world.engine.health()).toEqual(UP);
  });

  it('is degraded while the database refuses an entry that is kept', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf(ON_SHUTDOWN, { name: 'n' }));
    world.storage.poison.add('bad');
    await cache.set('bad', 1);
    await cache.flush();
    const health = await world.engine.health();
    expect(health).toMatchObject({ status: 'degraded', dirty: 1 });
    expect(health.reasons).toEqual([expect.stringContaining("The database refuses 1 entry, of 'n'")]);
    await cache.delete('bad');
    world.storage.poison.clear();
    await cache.flush();
    expect(await world.engine.health()).toEqual(UP);
  });

  it('says that onConflict may have failed, where a namespace has one', async () => {
    const world = new EngineWorld();
    const onConflict = (): undefined => undefined;
    const cache = await world.register({ ...namespaceOf(ON_SHUTDOWN, { name: 'n' }), onConflict });
    const reasons = async (): Promise<readonly string[]> => (await world.engine.health()).reasons;
    for (const key of ['bad', 'worse']) {
      world.storage.poison.add(key);
      await cache.set(key, 1);
    }
    await cache.flush();
    expect(await reasons()).toEqual([
      "The database refuses 2 entries, of 'n', or onConflict fails for them: the log says which.",
    ]);
    await cache.delete('worse');
    world.storage.poison.delete('worse');
    await cache.flush();
    expect(await reasons()).toEqual([
      "The database refuses 1 entry, of 'n', or onConflict fails for it: the log says which.",
    ]);
  });

  it.each<[string, EngineOptions, number, 'up' | 'degraded']>([
    ['two checkpoints are over', { checkpointIntervalMs: 1000 }, 2001, 'degraded'],
    ['not yet', { checkpointIntervalMs: 1000 }, 2000, 'up'],
    ['there are no checkpoints', { checkpointIntervalMs: false }, 1_000_000, 'up'],
  ])('is judged by how long an entry has been dirty: %s', async (_when, options, ms, status) => {
    const world = new EngineWorld(options);
    const cache = await world.register(namespaceOf(ON_SHUTDOWN, { name: 'n' }));
    // Without its start, the engine has no checkpoints.
    await cache.set('a', 1);
    await world.clock.advance(ms);
    const health = await world.engine.health();
    expect(health).toMatchObject({ status, oldestUnwrittenMs: ms });
    if (status === 'degraded')
      expect(health.reasons).toEqual(["1 entry of namespace 'n' not written, the oldest for 2 s."]);
  });

  it('is down after the stop, with what it knew last', async () => {
    const world = new EngineWorld({ shutdownTimeoutMs: 1000 });
    const cache = await world.register(namespaceOf(ON_SHUTDOWN));
    await cache.set('a', 1);
    const stopped = world.engine.stop();
    expect(await world.engine.health()).toMatchObject({
      status: 'down',
      reasons: ['The cache has been stopped.'],
    });
    await stopped;
    const { reads } = world.storage;
    expect(await world.engine.health()).toEqual({
      ...UP,
      status: 'down',
      reasons: ['The cache has been stopped.'],
    });
    expect(world.storage.reads).toBe(reads);
  });

  it('tells no time since when it fails once it has been stopped: that does not pass', async () => {
    const world = new EngineWorld({ shutdownTimeoutMs: 1000 });
    const cache = await world.register(namespaceOf(ON_SHUTDOWN));
    world.storage.down = new ChaosError('transient', 'ECONNREFUSED');
    await cache.set('a', 1);
    await cache.flush();
    expect(await world.engine.health()).toMatchObject({ status: 'down', failingSince: world.clock.now() });
    const stopped = world.engine.stop();
    await world.clock.advance(1000);
    await stopped;
    expect(await world.engine.health()).toMatchObject({ status: 'down', failingSince: undefined });
  });

  it('measures how long something fails on the clock that nobody sets', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf(ON_SHUTDOWN));
    world.storage.down = new ChaosError('transient', 'ECONNREFUSED');
    await cache.set('a', 1);
    await cache.flush();
    await world.engine.health();
    for (const ms of [-3_600_000, 7_200_000]) {
      world.clock.stepWall(ms);
      await world.clock.advance(1000);
      const { failingSince = 0 } = await world.engine.health();
      expect(world.clock.now() - failingSince).toBe(ms < 0 ? 1000 : 2000);
    }
  });

  it('is down while the database is being opened, and when it could not be', async () => {
    const world = new EngineWorld();
    let fail: (error: Error) => void = () => undefined;
    vi.spyOn(world.storage, 'open').mockImplementation(
      () =>
        new Promise((_resolve, reject) => {
          fail = reject;
        }),
    );
    const registered = world.register(namespaceOf(ON_CHANGE));
    const asked = world.engine.health();
    await world.clock.advance(800);
    expect((await asked).reasons).toEqual(['The database has not been opened yet.']);
    fail(Object.assign(new Error('secret'), { code: 'EACCES' }));
    await expect(registered).rejects.toMatchObject({ code: 'STORAGE_OPEN_FAILED' });
    await settle();
    expect(await world.engine.health()).toMatchObject({
      status: 'down',
      reasons: ["The database can't be read (STORAGE_OPEN_FAILED)."],
    });
  });
});

describe('the namespaces of a cache', () => {
  it('are listed with level and figures, in the order of their declaration, and can not be changed', async () => {
    const world = new EngineWorld();
    const definitions = [ON_SHUTDOWN, MEMORY_ONLY, ON_CHANGE].map((level) => namespaceOf(level));
    const [first] = await Promise.all(definitions.map((definition) => world.register(definition)));
    await first?.set('a', 1);
    const summaries = world.engine.summaries();
    expect(summaries.map(({ name, persistenceLevel }) => [name, persistenceLevel])).toEqual([
      ['on_shutdown', ON_SHUTDOWN],
      ['memory', MEMORY_ONLY],
      ['on_change', ON_CHANGE],
    ]);
    expect(summaries[0]?.stats).toEqual(first?.stats());
    expect(summaries[0]?.stats.dirty).toBe(1);
    for (const part of [summaries, ...summaries, ...summaries.map(({ stats }) => stats)])
      expect(Object.isFrozen(part)).toBe(true);
    expect(Object.keys(world.engine.stats())).toEqual(['on_shutdown', 'memory', 'on_change']);
  });

  it('are found by the definition they were declared with, and by the one they have with their overrides', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf(ON_CHANGE));
    expect(world.engine.namespace(cache.definition)).toBe(cache);
  });
});
