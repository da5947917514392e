import { expect, it, vi } from 'vitest';
import type { SharedStorage } from '../../src/index.js';
import { InMemoryBackplane } from '../../src/testing/index.js';
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
