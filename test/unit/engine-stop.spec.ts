import { beforeEach, describe, expect, it } from 'vitest';
import type { NamespaceCache } from '../../src/index.js';
import { errorWith, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';

const TIMEOUT_MS = 1000;
/** What is kept of it for the end. */
const ENDING_MS = TIMEOUT_MS / 4;

describe('the stop of an engine', () => {
  let world: EngineWorld;
  let cache: NamespaceCache<string, number>;
  let began: number;

  /** How much of the stop's time had passed when `work` was over; infinite while it is not. */
  function timeOf(work: Promise<unknown>): () => number {
    let at = Infinity;
    void work.then(() => {
      at = world.clock.monotonic() - began;
    });
    return () => at;
  }

  beforeEach(async () => {
    world = new EngineWorld({ shutdownTimeoutMs: TIMEOUT_MS });
    cache = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    began = world.clock.monotonic();
  });

  it('takes writes while it is drained, and ends by itself in time where nobody ends it', async () => {
    await cache.set('a', 1);
    await world.engine.drain();
    expect(await world.stored(ON_SHUTDOWN)).toEqual({ a: 1 });
    const stopped = timeOf(world.engine.stopped);
    await world.clock.advance(TIMEOUT_MS - ENDING_MS - 1);
    await cache.set('b', 2);
    await world.clock.advance(1);
    expect(stopped()).toBe(TIMEOUT_MS - ENDING_MS);
    await expect(cache.set('c', 3)).rejects.toThrow(errorWith('CACHE_CLOSED'));
    await expect(world.register(namespaceOf(ON_CHANGE))).rejects.toThrow(errorWith('CACHE_CLOSED'));
    expect(await world.stored(ON_SHUTDOWN)).toEqual({ a: 1, b: 2 });
    expect(world.logger.with('has not come to the last hook of the cache')).toHaveLength(1);
    expect(world.clock.timers).toBe(0);
  });

  it('says nothing of it where it is ended in time, and gives everyone the same report', async () => {
    await world.engine.drain();
    const report = await world.engine.stop();
    expect(await world.engine.stop()).toBe(report);
    expect(await world.engine.stopped).toBe(report);
    world.engine.beforeExit();
    await world.clock.advance(TIMEOUT_MS);
    expect(world.logger.lines).toEqual([expect.stringContaining('Cache stopped')]);
    expect(world.clock.timers).toBe(0);
  });

  it('leaves time to each who comes after a drain, however many drains the database holds up', async () => {
    await cache.set('a', 1);
    world.storage.hold();
    const times: number[] = [];
    const drains = (async () => {
      for (let i = 0; i < 3; i += 1) {
        await world.engine.drain();
        times.push(world.clock.monotonic() - began);
      }
    })();
    await world.clock.advance(TIMEOUT_MS - ENDING_MS - 1);
    await drains;
    expect(times).toEqual([375, 563, 657]);
    await world.clock.advance(TIMEOUT_MS);
  });

  it('ends by its deadline, counted from its beginning, though the database answers nothing', async () => {
    await cache.set('a', 1);
    world.storage.hold();
    void world.engine.drain();
    await world.clock.advance(600);
    const stopped = timeOf(world.engine.stop());
    await world.clock.advance(10_000);
    expect(stopped()).toBe(TIMEOUT_MS);
    expect((await world.engine.stopped).leftBehind).toMatchObject([{ count: 1, keys: ['a'] }]);
  });

  it('does not wait for a storage that is still being opened, and closes it when it is open', async () => {
    world.crash();
    let opened!: () => void;
    world.storage.open = () =>
      new Promise((resolve) => {
        opened = resolve;
      });
    let closed = 0;
    world.storage.close = async () => {
      closed += 1;
    };
    const registered = world.register(namespaceOf(ON_SHUTDOWN)).catch((error: unknown) => error);
    await settle();
    began = world.clock.monotonic();
    const stopped = timeOf(world.engine.stop());
    await world.clock.advance(TIMEOUT_MS);
    expect(stopped()).toBe(TIMEOUT_MS);
    expect(closed).toBe(0);
    opened();
    await settle();
    expect(closed).toBe(1);
    expect(await registered).toEqual(errorWith('CACHE_CLOSED'));
  });

  it('waits for a purge that is under way, and begins none', async () => {
    let purged!: () => void;
    let purges = 0;
    world.storage.purgeExpired = () => {
      purges += 1;
      return new Promise((resolve) => {
        purged = () => resolve(0);
      });
    };
    await world.register(namespaceOf(ON_CHANGE));
    world.engine.start();
    await settle();
    expect(purges).toBe(1);
    const stopped = timeOf(world.engine.stop());
    await settle();
    expect(stopped()).toBe(Infinity);
    purged();
    await settle();
    expect(stopped()).toBe(0);
    expect(purges).toBe(1);
    expect(world.logger.lines.filter((line) => !line.startsWith('log'))).toEqual([]);
  });
});
