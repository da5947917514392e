import { describe, expect, it } from 'vitest';
import { defineNamespace, json, type KeyCodec, type ValueCodec } from '../../src/index.js';
import { ChaosError } from '../support/chaos-storage.js';
import { errorWith, increment, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';

describe('a key codec that throws later', () => {
  it.each([ON_CHANGE, ON_SHUTDOWN])('holds up no write, nor the stop (%s)', async (level) => {
    const world = new EngineWorld();
    const mood = { isBad: false };
    const codec: KeyCodec<string> = {
      expects: 'a string',
      encode: (key) => {
        if (mood.isBad) throw new TypeError('moody');
        return key;
      },
      decode: (text) => text,
    };
    const cache = await world.register(
      defineNamespace({ name: level, key: codec, value: json<number>(), persistence: level }),
    );
    const writes = Promise.all([cache.set('a', 1), cache.set('b', 2)]);
    mood.isBad = true;
    await settle();
    await writes;
    await world.engine.stop();
    expect(await world.stored(level)).toEqual({ a: 1, b: 2 });
  });
});

describe('a database that refuses many entries', () => {
  it('is not taken to refuse the good one behind them', async () => {
    const world = new EngineWorld({ checkpointIntervalMs: false });
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    for (let i = 0; i < 300; i += 1) {
      world.storage.poison.add(`p${i}`);
      await cache.set(`p${i}`, i);
    }
    await cache.set('good', 1);
    await cache.flush();
    expect(await world.stored('on_shutdown')).toEqual({ good: 1 });
    expect(cache.stats()).toMatchObject({ dirty: 300, refused: 300 });
  });
});

describe('an updater', () => {
  it('may write to its own namespace, which is another write', async () => {
    const world = new EngineWorld({ writeTimeoutMs: 100 });
    const one = await world.register(namespaceOf<number>(ON_CHANGE, { name: 'one' }));
    const other = await world.register(namespaceOf<number>(ON_CHANGE, { name: 'other' }));
    world.storage.hold();
    let written: Promise<void> | undefined;
    const updated = one.update('k', (count) => {
      void one.set('beside', 1).catch(() => undefined);
      written ??= other.set('x', 1);
      return increment(count);
    });
    updated.catch(() => undefined);
    await settle();
    world.storage.release();
    await world.clock.advance(1000);
    expect(await updated).toBe(1);
    await written;
    expect(await world.stored('one')).toEqual({ k: 1, beside: 1 });
    expect(one.stats().written).toBe(2);
  });

  it('that changes a value in place and throws leaves no trace in the next one', async () => {
    const maps: ValueCodec<Map<string, number>> = {
      encode: (map) => JSON.stringify([...map]),
      decode: (text) => new Map(JSON.parse(text) as [string, number][]),
    };
    const world = new EngineWorld();
    const cache = await world.register(
      defineNamespace({ name: 'maps', key: namespaceOf(ON_CHANGE).key, value: maps, persistence: ON_CHANGE }),
    );
    await cache.set('k', new Map([['n', 1]]));
    await cache.get('k');
    const failed = cache.update('k', (map) => {
      (map as Map<string, number>).set('x', 666);
      throw new Error('no');
    });
    const next = await cache.update('k', (map) => new Map([...(map ?? []), ['y', 1]]));
    await expect(failed).rejects.toThrow('no');
    expect([...next]).toEqual([
      ['n', 1],
      ['y', 1],
    ]);
  });
});

describe('an ON_CHANGE write', () => {
  it('keeps to its time while another namespace is being written, and is not written later', async () => {
    const world = new EngineWorld({ writeTimeoutMs: 100 });
    const back = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    const through = await world.register(namespaceOf<number>(ON_CHANGE));
    await back.set('x', 1);
    world.storage.hold();
    void back.flush();
    await settle();
    const write = through.set('y', 1);
    write.catch(() => undefined);
    await world.clock.advance(200);
    await expect(write).rejects.toEqual(errorWith('WRITE_FAILED'));
    world.storage.release();
    await world.clock.advance(1000);
    expect(await world.stored('on_change')).toEqual({});
  });

  it('that ended before others does not end the flush that waits for those', async () => {
    const world = new EngineWorld({ writeTimeoutMs: 1000 });
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    world.storage.hold();
    const first = cache.set('a', 1);
    await settle();
    const flushed = cache.flush();
    const later = cache.set('b', 1);
    later.catch(() => undefined);
    await world.clock.advance(1100);
    await expect(later).rejects.toEqual(errorWith('WRITE_FAILED'));
    world.storage.release();
    await first;
    expect(await flushed).toMatchObject({ written: 1, failed: 1 });
  });

  it('of a commit that may have happened stays in doubt when its rows can not be read at all', async () => {
    const world = new EngineWorld({ writeTimeoutMs: 100 });
    const cache = await world.register(namespaceOf<number>(ON_CHANGE));
    world.storage.hold();
    const blocking = cache.set('z', 1);
    await settle();
    const write = cache.set('new', 5);
    write.catch(() => undefined);
    await world.clock.advance(60);
    const late = cache.set('late', 1);
    late.catch(() => undefined);
    world.storage.liesAboutCommits = true;
    world.storage.release();
    blocking.catch(() => undefined);
    const read = world.storage.read.bind(world.storage);
    world.storage.read = async () => Promise.reject(new ChaosError('permanent'));
    await world.clock.advance(200);
    await Promise.allSettled([blocking, write, late]);
    world.storage.liesAboutCommits = false;
    world.storage.read = read;
    await world.clock.advance(60_000);
    const rows = await world.stored('on_change');
    expect(await cache.delete('new')).toBe('new' in rows);
    expect(await world.stored('on_change')).not.toHaveProperty('new');
  });
});

describe('an ON_SHUTDOWN operation', () => {
  it('that reads after a clear which waits shows what the clear leaves', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN, { maxEntries: 1 }));
    await cache.setMany([
      ['a', 1],
      ['b', 1],
    ]);
    await cache.flush();
    void cache.update('a', increment);
    void cache.clear();
    expect(await cache.get('a')).toBeUndefined();
  });

  it('costs no more for the clears that wait before it', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN, { maxEntries: 1 }));
    await cache.setMany([
      ['a', 1],
      ['b', 1],
    ]);
    await cache.flush();
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 20_000; i += 1) calls.push(cache.update('a', increment), cache.clear());
    await Promise.all(calls);
    expect(cache.stats()).toMatchObject({ waiting: 0, size: 0 });
  });

  it('on a dirty value that no longer decodes rejects with a code', async () => {
    const mood = { isBad: false };
    const codec: ValueCodec<number> = {
      encode: String,
      decode: (text) => {
        if (mood.isBad) throw new TypeError('moody');
        return Number(text);
      },
    };
    const world = new EngineWorld();
    const cache = await world.register(
      defineNamespace({
        name: 'm',
        key: namespaceOf(ON_SHUTDOWN).key,
        value: codec,
        persistence: ON_SHUTDOWN,
      }),
    );
    await cache.set('k', 1);
    mood.isBad = true;
    await expect(cache.update('k', increment)).rejects.toEqual(errorWith('UNREADABLE_ENTRY'));
    await expect(cache.get('k')).rejects.toEqual(errorWith('UNREADABLE_ENTRY'));
  });
});
