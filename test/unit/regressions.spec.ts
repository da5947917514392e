import { describe, expect, it } from 'vitest';
import { defineNamespace, json, numberKey } from '../../src/index.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { ChaosError } from '../support/chaos-storage.js';
import { increment, MEMORY_ONLY, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';

/** What went wrong in the bot's first, hand-made cache. */
describe('the hand-made cache', () => {
  it('dropped an entry that was changed and then evicted before the stop', async () => {
    const world = new EngineWorld({ checkpointIntervalMs: false });
    const definition = namespaceOf<number>(ON_SHUTDOWN, { maxEntries: 2 });
    const cache = await world.register(definition);
    world.storage.down = new ChaosError('transient');
    for (let i = 0; i < 50; i += 1) await cache.set(`key ${i}`, i);
    world.storage.down = undefined;
    await world.restart();
    const again = await world.register(definition);
    for (let i = 0; i < 50; i += 1) expect(await again.get(`key ${i}`)).toBe(i);
  });

  it.each([ON_CHANGE, ON_SHUTDOWN])(
    'overwrote the stored row when one field of an evicted entry was set (%s)',
    async (level) => {
      const world = new EngineWorld();
      const cache = await world.register(namespaceOf<Record<string, number>>(level, { maxEntries: 1 }));
      await cache.set('user', { a: 1, b: 2 });
      await cache.flush();
      await cache.set('another', {});
      await cache.update('user', (data) => ({ ...data, c: 3 }));
      await cache.flush();
      expect(await world.stored(level)).toMatchObject({ user: { a: 1, b: 2, c: 3 } });
    },
  );

  it.each([ON_CHANGE, ON_SHUTDOWN])(
    'brought deleted and cleared entries back at the next start (%s)',
    async (level) => {
      const world = new EngineWorld();
      const definition = namespaceOf<number>(level);
      let cache = await world.register(definition);
      await cache.setMany([
        ['a', 1],
        ['b', 2],
      ]);
      await cache.delete('a');
      await world.restart();
      cache = await world.register(definition);
      expect([...cache]).toEqual([['b', 2]]);
      await cache.clear();
      await world.restart();
      cache = await world.register(definition);
      expect(await cache.get('b')).toBeUndefined();
    },
  );

  it('logged a failed save, cleared the dirty mark all the same, and lost the data', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    await cache.set('a', 1);
    world.storage.down = new ChaosError('transient');
    await cache.flush();
    expect(cache.stats().dirty).toBe(1);
    world.storage.down = undefined;
    await world.engine.stop();
    expect(await world.stored('on_shutdown')).toEqual({ a: 1 });
  });

  it('stopped the whole load at one unreadable row', async () => {
    const world = new EngineWorld();
    const put = (key: string, value: string): object => ({ key, value, expiresAt: null });
    await writeChanges(
      world.rows,
      [
        {
          namespace: 'on_change',
          puts: [put('a', '1'), put('b', '{"cut of'), put('c', '3')] as never,
        },
      ],
      1,
    );
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    expect(await cache.getMany(['a', 'c'])).toEqual([1, 3]);
    await expect(cache.get('b')).rejects.toMatchObject({ code: 'UNREADABLE_ENTRY', key: 'b' });
    await expect(cache.update('b', increment)).rejects.toMatchObject({ code: 'UNREADABLE_ENTRY' });
    expect(
      world.logger.with('1 stored row does not decode and was left as it is (for example key "b")'),
    ).toHaveLength(1);
    expect(await world.rows.read('on_change', ['b'])).toMatchObject([{ value: '{"cut of' }]);
    expect(await cache.delete('b')).toBe(true);
    expect(await cache.get('b')).toBeUndefined();
  });

  it.each([MEMORY_ONLY, ON_CHANGE, ON_SHUTDOWN])(
    'lost one of two overlapping updates of one key (%s)',
    async (level) => {
      const world = new EngineWorld();
      const cache = await world.register(namespaceOf<number>(level));
      await Promise.all([cache.update('n', increment), cache.update('n', increment)]);
      expect(await cache.get('n')).toBe(2);
    },
  );

  it('never marked changes of user state dirty, so another level would not have persisted them', async () => {
    for (const level of [ON_CHANGE, ON_SHUTDOWN]) {
      const world = new EngineWorld();
      const users = await world.register(namespaceOf<Record<string, number>>(level, { name: 'users' }));
      await users.update('1', (state) => ({ ...state, step: 1 }));
      await users.update('1', (state) => ({ ...state, more: 2 }));
      await world.engine.stop();
      expect(await world.stored('users')).toEqual({ 1: { step: 1, more: 2 } });
    }
  });

  it('gave a number back as a string after a restart', async () => {
    const world = new EngineWorld();
    const definition = defineNamespace({ name: 'n', key: numberKey(), value: json<number>() });
    const cache = await world.register(definition);
    await cache.set(-1001234567890, 1);
    await world.restart();
    const again = await world.register(definition);
    expect([...again.keys()]).toEqual([-1001234567890]);
    expect(await again.get(-1001234567890)).toBe(1);
  });
});
