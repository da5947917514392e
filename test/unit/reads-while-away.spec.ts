import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { SharedStorage } from '../../src/index.js';
import { EngineWorld } from '../support/engine-world.js';
import { namespaceOf, ON_CHANGE } from '../support/definitions.js';
import type { FakeClock } from '../support/fake-clock.js';
import { InstancesWorld, type Instance } from '../support/instances-world.js';

const looksOf = ({ storage }: Instance) => vi.spyOn(storage as unknown as SharedStorage, 'heads');

describe('reads beside other instances, while the database rejects what it is asked', () => {
  it('answer at once, the first one too, while one probe after the other runs behind them, until one succeeds', async () => {
    const world = new InstancesWorld();
    const { clock } = world;
    const one = await world.start();
    await one.cache.set('a', '1');
    await clock.advance(13_000);
    one.storage.failReads(Infinity);
    const looks = looksOf(one);
    for (let i = 0; i < 10; i += 1) {
      expect(await one.cache.get('a')).toBe('1');
      expect(one.cache.getIfPresent('a')).toBe('1');
      await clock.advance(100);
    }
    // That of the first read, and one every 100 ms.
    expect(looks).toHaveBeenCalledTimes(11);
    const { unconfirmed } = one.cache.stats();
    expect(unconfirmed).toBe(20);
    one.storage.heal();
    await clock.advance(100);
    expect(one.cache.getIfPresent('a')).toBe('1');
    expect(one.cache.stats().unconfirmed).toBe(unconfirmed);
  });
});

describe('reads beside other instances, while the database does not answer', () => {
  let clock: FakeClock;
  let one: Instance;

  beforeEach(async () => {
    const world = new InstancesWorld();
    clock = world.clock;
    one = await world.start();
    await one.cache.set('a', '1');
    await clock.advance(13_000);
    one.storage.hang('reads');
  });

  it('wait for one confirmation together, and then answer at once while one probe runs behind them', async () => {
    const looks = looksOf(one);
    // It would have to wait for what the others have changed.
    expect(one.cache.getIfPresent('a')).toBeUndefined();
    const waiting = [one.cache.get('a'), one.cache.get('a'), one.cache.get('a')];
    await clock.advance(250);
    expect(await Promise.all(waiting)).toEqual(['1', '1', '1']);
    // Nothing advances the clock: what waited here would never end.
    for (let i = 0; i < 5; i += 1) expect(await one.cache.get('a')).toBe('1');
    expect(one.cache.getIfPresent('a')).toBe('1');
    expect(looks).toHaveBeenCalledTimes(1);
  });

  it('are confirmed again as soon as the probe succeeds', async () => {
    const first = one.cache.get('a');
    await clock.advance(250);
    await first;
    one.storage.heal();
    await clock.advance(1000);
    const { unconfirmed } = one.cache.stats();
    expect(await one.cache.get('a')).toBe('1');
    expect(one.cache.stats().unconfirmed).toBe(unconfirmed);
  });
});

it('memory of an instance that is alone answers without limit while the database is away', async () => {
  const world = new EngineWorld({ instances: 'one' });
  const cache = await world.register(namespaceOf<number>(ON_CHANGE));
  await cache.set('a', 1);
  world.storage.failReads(Infinity);
  await world.clock.advance(3_600_000);
  expect(await cache.get('a')).toBe(1);
  expect(cache.getIfPresent('a')).toBe(1);
});
