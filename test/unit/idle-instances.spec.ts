import { expect, it, vi } from 'vitest';
import type { SharedStorage } from '../../src/index.js';
import { InMemoryBackplane } from '../../src/testing/index.js';
import { MEMORY_ONLY, namespaceOf } from '../support/definitions.js';
import { InstancesWorld } from '../support/instances-world.js';

it('an application that is idle for 10 s does nothing but its beat, and asks for no echo, until the next read', async () => {
  const world = new InstancesWorld();
  const wire = new InMemoryBackplane(world.clock);
  const backplane = wire.end();
  const published = vi.spyOn(backplane, 'publish');
  const { cache, storage } = await world.start({ backplane });
  const shared = storage as unknown as SharedStorage;
  const [looks, beats] = [vi.spyOn(shared, 'heads'), vi.spyOn(shared, 'beat')];
  await cache.set('a', '1');
  await cache.get('a');
  await world.clock.advance(30_000);
  for (const spy of [looks, beats, published]) spy.mockClear();
  await world.clock.advance(65_000);
  expect(beats).toHaveBeenCalledTimes(2);
  expect(looks).toHaveBeenCalledTimes(2);
  expect(published).not.toHaveBeenCalled();
  await cache.get('a');
  expect(looks).toHaveBeenCalledTimes(3);
});

it('an application looks for 10 s after its last call on a shared namespace, and then with its beat alone, every 30 s', async () => {
  const world = new InstancesWorld();
  const { clock } = world;
  const startedAt = clock.monotonic();
  const { cache, engine, storage } = await world.start();
  const own = await engine.register(namespaceOf<number>(MEMORY_ONLY, { name: 'own' }));
  const shared = storage as unknown as SharedStorage;
  /** When a method is called from now on, ms after the start. */
  const timesOf = (method: 'heads' | 'beat'): number[] => {
    const call = shared[method].bind(shared) as (...args: unknown[]) => Promise<never>;
    const times: number[] = [];
    vi.spyOn(shared, method).mockImplementation((...args: unknown[]) => {
      times.push(clock.monotonic() - startedAt);
      return call(...args);
    });
    return times;
  };
  const [looks, beats] = [timesOf('heads'), timesOf('beat')];
  await cache.set('a', '1');
  for (let seconds = 0; seconds < 95; seconds += 1) {
    await clock.advance(1000);
    // Nobody else is concerned by it.
    await own.set('a', seconds);
  }
  const polls = looks.filter((at) => at < 20_000);
  expect(polls).toEqual(Array.from({ length: polls.length }, (_, i) => (i + 1) * 100));
  // The call counts from the look behind it.
  expect(polls.at(-1)).toBe(10_000);
  expect(looks.slice(polls.length)).toEqual([30_000, 60_000, 90_000]);
  expect(beats).toEqual([30_000, 60_000, 90_000]);
});
