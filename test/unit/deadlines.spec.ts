import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { STORAGE_CHANNEL, type StorageEvent } from '../../src/index.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { ChaosError } from '../support/chaos-storage.js';
import { errorWith, increment, namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';
import { Gate } from '../support/gate.js';

const HOUR = 3_600_000;

/** The ms on the monotonic clock after which a promise has settled, seen in steps of 10 ms. */
async function settledAfter(world: EngineWorld, promise: Promise<unknown>, limit: number): Promise<number> {
  const state = { isOver: false };
  const over = (): void => {
    state.isOver = true;
  };
  promise.then(over, over);
  const startedAt = world.clock.monotonic();
  while (!state.isOver && world.clock.monotonic() - startedAt < limit) await world.clock.advance(10);
  return state.isOver ? world.clock.monotonic() - startedAt : Infinity;
}

describe('an ON_CHANGE write', () => {
  it.each([-HOUR, HOUR])(
    'has writeTimeoutMs from its call, when the wall clock steps by %i ms',
    async (step) => {
      const world = new EngineWorld({ writeTimeoutMs: 2000 });
      const cache = await world.register(namespaceOf<number>(ON_CHANGE));
      world.storage.down = new ChaosError('transient');
      const write = cache.set('a', 1);
      await world.clock.advance(500);
      world.clock.stepWall(step);
      const after = await settledAfter(world, write, 10_000);
      expect(after).toBeGreaterThan(1400);
      expect(after).toBeLessThan(1600);
      await expect(write).rejects.toEqual(errorWith('WRITE_FAILED'));
    },
  );

  it('has its own deadline, whatever comes after it in the same commit', async () => {
    const world = new EngineWorld({ writeTimeoutMs: 1000 });
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    world.storage.down = new ChaosError('transient');
    const first = settledAfter(world, cache.set('a', 1), 5000);
    for (let i = 0; i < 40; i += 1) void cache.set(`k${i}`, i).catch(() => undefined);
    expect(await first).toBeLessThan(1100);
  });

  it('that waits behind a commit without an answer rejects at its deadline, and is not written later', async () => {
    const world = new EngineWorld({ writeTimeoutMs: 1000 });
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    world.storage.hold();
    const first = cache.set('a', 1);
    await settle();
    const second = cache.set('b', 1);
    second.catch(() => undefined);
    expect(await settledAfter(world, second, 5000)).toBeLessThan(1100);
    world.storage.release();
    await first;
    await settle();
    expect(await world.stored('on_change')).toEqual({ a: 1 });
  });

  it('leaves no timer behind when it has settled, or when the cache stops without an answer to it', async () => {
    const world = new EngineWorld({ writeTimeoutMs: 1000 });
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    const { timers } = world.clock;
    await cache.set('a', 1);
    await settle();
    expect(world.clock.timers).toBe(timers);
    world.storage.hold();
    const first = cache.set('a', 2);
    await settle();
    const second = cache.set('b', 1);
    await Promise.all([expect(second).rejects.toThrow(errorWith('WRITE_FAILED')), world.clock.advance(5000)]);
    const stopped = world.engine.stop();
    await Promise.all([expect(first).rejects.toThrow(errorWith('WRITE_FAILED')), world.clock.advance(8000)]);
    world.storage.release();
    await stopped;
    expect(world.clock.timers).toBe(0);
  });

  it('that was tried once is given up on in its own time, and not in that of what waits behind it', async () => {
    const world = new EngineWorld({ writeTimeoutMs: 1000 });
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    world.storage.hold();
    const first = settledAfter(world, cache.set('a', 1), 5000);
    await world.clock.advance(990);
    void cache.set('b', 1).catch(() => undefined);
    world.storage.down = new ChaosError('transient');
    world.storage.release();
    expect(await first).toBeLessThanOrEqual(1010);
  });

  it('that was given up on has no part in what later writes of its key make', async () => {
    const world = new EngineWorld({ writeTimeoutMs: 1000 });
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    await cache.set('count', 10);
    world.storage.down = new ChaosError('transient');
    const early = cache.update('count', increment);
    early.catch(() => undefined);
    await world.clock.advance(700);
    const late = cache.update('count', increment);
    await world.clock.advance(500);
    await expect(early).rejects.toEqual(errorWith('WRITE_FAILED'));
    world.storage.down = undefined;
    await world.clock.advance(300);
    expect(await late).toBe(11);
    expect(await world.stored('on_change')).toEqual({ count: 11 });
  });

  it('left over from a commit that may have happened is counted once', async () => {
    const world = new EngineWorld({ writeTimeoutMs: 1000 });
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    await cache.set('count', 10);
    world.storage.hold();
    const early = cache.update('count', increment);
    early.catch(() => undefined);
    await world.clock.advance(700);
    world.storage.liesAboutCommits = true;
    world.storage.release();
    const late = cache.update('count', increment);
    await world.clock.advance(500);
    await expect(early).rejects.toEqual(errorWith('WRITE_FAILED'));
    world.storage.liesAboutCommits = false;
    await world.clock.advance(300);
    expect(await late).toBe(12);
    expect(await world.stored('on_change')).toEqual({ count: 12 });
  });

  it('does not wait for the reads or clears of another namespace that fail', async () => {
    const world = new EngineWorld();
    const definition = namespaceOf<number>(ON_CHANGE, { name: 'broken', maxEntries: 1 });
    await writeChanges(
      world.rows,
      [
        {
          namespace: 'broken',
          puts: ['a', 'b'].map((key) => ({ key, value: '1', expiresAt: null })),
        },
      ],
      1,
    );
    const broken = await world.register(definition);
    const healthy = await world.register(namespaceOf<number>(ON_CHANGE, { name: 'healthy' }));
    const read = world.storage.read.bind(world.storage);
    const clear = world.storage.clear.bind(world.storage);
    world.storage.read = async () => Promise.reject(new ChaosError('transient'));
    world.storage.clear = async () => Promise.reject(new ChaosError('transient'));
    const updated = broken.update('a', increment);
    await settle();
    await healthy.set('x', 1);
    world.storage.read = read;
    await world.clock.advance(1000);
    expect(await updated).toBe(2);
    const cleared = broken.clear();
    await settle();
    await healthy.set('y', 1);
    world.storage.clear = clear;
    await world.clock.advance(1000);
    await cleared;
    expect(await world.stored('broken')).toEqual({});
    expect(await world.stored('healthy')).toEqual({ x: 1, y: 1 });
  });

  it('rejects at its deadline behind what another namespace waits for, and is not written later', async () => {
    const world = new EngineWorld({ writeTimeoutMs: 1000 });
    const cleared = await world.register(namespaceOf<number>(ON_CHANGE, { name: 'cleared' }));
    const behind = await world.register(namespaceOf<number>(ON_CHANGE, { name: 'behind' }));
    world.storage.hold();
    const clear = cleared.clear();
    const write = behind.set('a', 1);
    write.catch(() => undefined);
    expect(await settledAfter(world, write, 5000)).toBeLessThan(1100);
    await expect(write).rejects.toEqual(errorWith('WRITE_FAILED'));
    world.storage.release();
    await clear;
    await settle();
    expect(await world.stored('behind')).toEqual({});
  });

  it('does not wait for rows of another namespace that other processes hold', async () => {
    const world = new EngineWorld({ instances: 'many' });
    const contended = await world.register(namespaceOf<number>(ON_CHANGE, { name: 'contended' }));
    const free = await world.register(namespaceOf<number>(ON_CHANGE, { name: 'free' }));
    await contended.set('a', 1);
    const puts = [{ key: 'a', value: '10', expiresAt: null }];
    await writeChanges(world.rows, [{ namespace: 'contended', puts }], 1);
    const modify = world.storage.modify.bind(world.storage);
    const rows = new Gate();
    world.storage.modify = async (...call) => {
      await rows.opened;
      return modify(...call);
    };
    world.storage.hold();
    const updated = contended.update('a', increment);
    await settle();
    const written = free.set('a', 1);
    world.storage.release();
    await written;
    rows.open();
    expect(await updated).toBe(11);
  });
});

describe('an outage is over for everyone', () => {
  const eventsOf = async (during: () => Promise<void>): Promise<string[]> => {
    const events: string[] = [];
    const listen = (message: unknown): void => void events.push((message as StorageEvent).type);
    subscribe(STORAGE_CHANNEL, listen);
    await during();
    unsubscribe(STORAGE_CHANNEL, listen);
    return events;
  };

  it('when a clear succeeds that failed before', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    const events = await eventsOf(async () => {
      world.storage.down = new ChaosError('transient');
      const cleared = cache.clear();
      await settle();
      world.storage.down = undefined;
      await world.clock.advance(1000);
      await cleared;
    });
    expect(events).toEqual(['write-failed', 'write-recovered']);
  });

  it('when a purge succeeds that failed before', async () => {
    const world = new EngineWorld({ checkpointIntervalMs: false });
    await world.register(namespaceOf<number>(ON_CHANGE));
    const events = await eventsOf(async () => {
      world.storage.down = new ChaosError('transient');
      world.engine.start();
      await settle();
      world.storage.down = undefined;
      await world.clock.advance(600_000);
    });
    expect(events).toEqual(['write-failed', 'write-recovered']);
  });
});
