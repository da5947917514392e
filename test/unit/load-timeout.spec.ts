import { beforeEach, describe, expect, it } from 'vitest';
import { CachePersistenceLevel, type NamespaceCache } from '../../src/index.js';
import { errorWith, MEMORY_ONLY, namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';

/** A loader that gives what the test says, when it says so. */
class HeldLoader {
  calls = 0;
  finish: (value: unknown) => void = () => undefined;
  fail: (error: Error) => void = () => undefined;

  readonly load = (): Promise<unknown> => {
    this.calls += 1;
    return new Promise((resolve, reject) => {
      this.finish = resolve;
      this.fail = reject;
    });
  };
}

describe.each(Object.values(CachePersistenceLevel))('a load with timeoutMs (%s)', (level) => {
  let world: EngineWorld;
  let cache: NamespaceCache<string, unknown>;
  let held: HeldLoader;
  const statusOf = async (calls: Promise<unknown>[]): Promise<string[]> =>
    (await Promise.allSettled(calls)).map(({ status }) => status);

  beforeEach(async () => {
    world = new EngineWorld();
    cache = await world.register(namespaceOf(level));
    held = new HeldLoader();
  });

  it('rejects for everyone who waits for it exactly when the time is over, and says what to do', async () => {
    const calls = [
      cache.getOrLoad('a', held.load, { timeoutMs: 1000 }),
      cache.getOrLoad('a', held.load, { timeoutMs: 5000 }),
      cache.getOrLoad('a', held.load),
    ];
    const settled = statusOf(calls);
    let isOver = false;
    void settled.then(() => {
      isOver = true;
    });
    await world.clock.advance(999);
    expect(isOver).toBe(false);
    await world.clock.advance(1);
    expect(await settled).toEqual(['rejected', 'rejected', 'rejected']);
    for (const call of calls) await expect(call).rejects.toThrow(errorWith('LOAD_TIMED_OUT'));
    await expect(calls[0]).rejects.toMatchObject({
      namespace: level,
      key: 'a',
      message: expect.stringMatching(/within 1000 ms.*timeoutMs/) as string,
    });
    expect(held.calls).toBe(1);
  });

  it('lets the next caller start anew, and stores nothing of what comes later', async () => {
    const first = cache.getOrLoad('a', held.load, { timeoutMs: 1000 });
    const settled = statusOf([first]);
    await world.clock.advance(1000);
    expect(await settled).toEqual(['rejected']);
    expect(await cache.getOrLoad('a', () => 'anew', { timeoutMs: 1000 })).toBe('anew');
    held.finish('late');
    await settle();
    expect(await cache.get('a')).toBe('anew');

    const second = statusOf([cache.getOrLoad('b', held.load, { timeoutMs: 1000 })]);
    await world.clock.advance(1000);
    await second;
    held.finish('late');
    await settle();
    expect(await cache.get('b')).toBeUndefined();
    const third = statusOf([cache.getOrLoad('b', held.load, { timeoutMs: 1000 })]);
    await world.clock.advance(1000);
    await third;
    held.fail(new Error('late'));
    await settle();
    expect(await cache.getOrLoad('b', () => 'anew')).toBe('anew');
  });

  it('counts from each call, the first time that is over for all', async () => {
    const first = cache.getOrLoad('a', held.load);
    await world.clock.advance(700);
    const second = cache.getOrLoad('a', held.load, { timeoutMs: 500 });
    const settled = statusOf([first, second]);
    await world.clock.advance(499);
    world.clock.stepWall(100_000);
    await settle();
    held.finish('in time');
    expect(await settled).toEqual(['fulfilled', 'fulfilled']);
  });

  it('leaves no timer behind, and no limit on what was loaded in time', async () => {
    const before = world.clock.timers;
    const load = cache.getOrLoad('a', held.load, { timeoutMs: 1000 });
    await settle();
    expect(world.clock.timers).toBe(before + 1);
    world.storage.hold();
    held.finish('in time');
    await settle();
    // A write that waits for its commit has a deadline of its own.
    expect(world.clock.timers).toBe(level === ON_CHANGE ? before + 1 : before);
    await world.clock.advance(2000);
    world.storage.release();
    expect(await load).toBe('in time');
    await expect(
      cache.getOrLoad('b', () => Promise.reject(new Error('offline')), { timeoutMs: 1000 }),
    ).rejects.toThrow('offline');
    expect(world.clock.timers).toBe(before);
  });

  it.skipIf(level === MEMORY_ONLY)(
    'covers the read from the database, after which no loader runs',
    async () => {
      for (let i = 0; i < 1001; i += 1) void cache.set(`${i}`, i);
      await cache.flush();
      const read = world.storage.read.bind(world.storage);
      let answer: () => void = () => undefined;
      world.storage.read = async (...args) => {
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return read(...args);
      };
      const settled = statusOf([cache.getOrLoad('not there', held.load, { timeoutMs: 1000 })]);
      await world.clock.advance(1000);
      expect(await settled).toEqual(['rejected']);
      answer();
      await settle();
      expect(held.calls).toBe(0);
    },
  );

  it('without timeoutMs, or with null or Infinity, waits as long as it takes', async () => {
    const calls = [
      cache.getOrLoad('a', held.load),
      cache.getOrLoad('a', held.load, { timeoutMs: Infinity }),
      cache.getOrLoad('a', held.load, { timeoutMs: null }),
    ];
    await world.clock.advance(10_000_000);
    held.finish('at last');
    expect(await Promise.all(calls)).toEqual(['at last', 'at last', 'at last']);
  });

  it.each([0, -1, 1.5, NaN, 2 ** 31, '1'])(
    'refuses %o, also where the value is there already',
    async (timeoutMs) => {
      await cache.set('a', 1);
      for (const key of ['a', 'b']) {
        await expect(cache.getOrLoad(key, held.load, { timeoutMs: timeoutMs as number })).rejects.toThrow(
          errorWith('INVALID_OPTION'),
        );
      }
      expect(held.calls).toBe(0);
    },
  );
});

it('a load that is given up waits on for nothing of the stop', async () => {
  const world = new EngineWorld();
  const cache = await world.register(namespaceOf(ON_CHANGE));
  const held = new HeldLoader();
  const load = expect(cache.getOrLoad('a', held.load, { timeoutMs: 1000 })).rejects.toThrow(
    errorWith('LOAD_TIMED_OUT'),
  );
  await settle();
  await world.engine.stop();
  await world.clock.advance(1000);
  await load;
});
