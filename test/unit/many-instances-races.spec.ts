import { beforeEach, describe, expect, it } from 'vitest';
import type { FakeClock } from '../support/fake-clock.js';
import { InstancesWorld, type Instance } from '../support/instances-world.js';

/** What the simulator of several processes has found, each in the fewest steps. */
describe('beside other instances', () => {
  let world: InstancesWorld;
  let clock: FakeClock;
  let one: Instance;
  let other: Instance;

  beforeEach(async () => {
    world = new InstancesWorld();
    ({ clock } = world);
    one = await world.start();
    other = await world.start();
  });

  it('a look whose first question got lost is made in full', async () => {
    // The storage says once that something has changed, and nobody hears it.
    let seen = 0;
    let isLost = false;
    const third = await world.start({}, (storage) => {
      const hasChanged = async (): Promise<boolean> => {
        const committed = one.storage.committed.length;
        const changed = committed !== seen;
        seen = committed;
        if (isLost) throw new Error('Nobody hears it.');
        return changed;
      };
      return Object.assign(storage, { hasChanged });
    });
    await third.cache.get('a');
    await one.cache.set('a', '1');
    isLost = true;
    await clock.advance(100);
    isLost = false;
    await clock.advance(100);
    expect(await third.cache.get('a')).toBe('1');
  });
});
