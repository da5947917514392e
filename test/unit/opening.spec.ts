import { describe, expect, it, vi } from 'vitest';
import { namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';

describe('a start whose storage takes its time', () => {
  it('says every ten seconds that it waits, and for what, until it is open', async () => {
    const world = new EngineWorld();
    let open: () => void = () => undefined;
    vi.spyOn(world.storage, 'open').mockReturnValue(
      new Promise((resolve) => {
        open = resolve;
      }),
    );
    const registered = world.register(namespaceOf(ON_CHANGE));
    await world.clock.advance(9_999);
    expect(world.logger.lines).toEqual([]);
    await world.clock.advance(10_001);
    expect(world.logger.with('waiting for 10 s to open its storage')).toHaveLength(1);
    expect(world.logger.with('waiting for 20 s')).toHaveLength(1);
    open();
    await registered;
    await world.clock.advance(100_000);
    expect(world.logger.with('waiting for')).toHaveLength(2);
  });

  it('starts all the same where the adapter can not say where it is', async () => {
    const world = new EngineWorld();
    let open: () => void = () => undefined;
    vi.spyOn(world.storage, 'open').mockReturnValue(
      new Promise((resolve) => {
        open = resolve;
      }),
    );
    vi.spyOn(world.storage, 'describe').mockImplementation(() => {
      throw new Error('of the adapter');
    });
    const registered = world.register(namespaceOf(ON_CHANGE));
    await world.clock.advance(10_000);
    expect(world.logger.with('open its storage (its storage)')).toHaveLength(1);
    open();
    await registered;
  });
});
