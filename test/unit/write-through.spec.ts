import { beforeEach, describe, expect, it } from 'vitest';
import type { NamespaceCache } from '../../src/index.js';
import { ChaosError } from '../support/chaos-storage.js';
import { errorWith, increment, namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';

const definition = namespaceOf(ON_CHANGE);

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  const mark = (): void => {
    done = true;
  };
  promise.then(mark, mark);
  await settle();
  return done;
}

describe('ON_CHANGE', () => {
  let world: EngineWorld;
  let cache: NamespaceCache<string, unknown>;

  beforeEach(async () => {
    world = new EngineWorld();
    cache = await world.register(definition);
  });

  it('acknowledges a write only when it is committed, and shows it only then', async () => {
    await cache.set('a', 'old');
    world.storage.hold();
    const write = cache.set('a', 'new');
    expect(await isSettled(write)).toBe(false);
    expect(cache.getIfPresent('a')).toBe('old');
    expect(await cache.get('a')).toBe('old');
    expect(cache.stats().dirty).toBe(1);
    world.storage.release();
    await write;
    expect(cache.getIfPresent('a')).toBe('new');
    expect(await world.stored('on_change')).toEqual({ a: 'new' });
    expect(cache.stats().dirty).toBe(0);
  });

  it('keeps what was acknowledged over a crash', async () => {
    await Promise.all([cache.set('a', 1), cache.set('b', 2), cache.update('c', () => 3)]);
    await cache.delete('b');
    world.crash();
    const again = await world.register(definition);
    expect(await again.getMany(['a', 'b', 'c'])).toEqual([1, undefined, 3]);
  });

  it('shares one commit among all writes that are queued', async () => {
    await Promise.all(Array.from({ length: 256 }, (_, i) => cache.set(`key ${i}`, i)));
    expect(world.storage.writes).toBe(1);
    world.storage.hold();
    const first = cache.set('first', 1);
    await settle();
    const rest = Array.from({ length: 256 }, (_, i) => cache.set(`key ${i}`, -i));
    world.storage.release();
    await Promise.all([first, ...rest]);
    expect(world.storage.writes).toBe(3);
  });

  it('shares a commit among namespaces', async () => {
    const other = await world.register(namespaceOf(ON_CHANGE, { name: 'other' }));
    await Promise.all([cache.set('a', 1), other.set('a', 2)]);
    expect(world.storage.writes).toBe(1);
    expect([await cache.get('a'), await other.get('a')]).toEqual([1, 2]);
  });

  it('folds 1000 updates of one key into a handful of commits', async () => {
    const counter = cache as NamespaceCache<string, number>;
    const results = await Promise.all(Array.from({ length: 1000 }, () => counter.update('n', increment)));
    expect(results).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
    expect(world.storage.writes).toBe(1);
    expect(await world.stored('on_change')).toEqual({ n: 1000 });
  });

  it('rejects a write that can not be committed in time, and still shows the old value', async () => {
    await cache.set('a', 'old');
    world.storage.down = new ChaosError('transient');
    const write = expect(cache.set('a', 'new')).rejects.toThrow(errorWith('WRITE_FAILED'));
    await world.clock.advance(10_000);
    await write;
    expect(cache.getIfPresent('a')).toBe('old');
    expect(await cache.get('a')).toBe('old');
    world.storage.down = undefined;
    await cache.set('a', 'newer');
    expect(await world.stored('on_change')).toEqual({ a: 'newer' });
  });

  it('commits a write that fails at first, once the database is back, and runs its updater once', async () => {
    let runs = 0;
    world.storage.down = new ChaosError('transient');
    const update = cache.update('a', () => {
      runs += 1;
      return runs;
    });
    const later = cache.set('b', 'later');
    await world.clock.advance(5000);
    world.storage.down = undefined;
    await world.clock.advance(5000);
    expect(await update).toBe(1);
    await later;
    expect(runs).toBe(1);
    expect(await world.stored('on_change')).toEqual({ a: 1, b: 'later' });
  });

  it('tells of an outage once when it begins and once when it is over', async () => {
    world.storage.down = new ChaosError('transient');
    const write = cache.set('a', 1);
    await world.clock.advance(3000);
    world.storage.down = undefined;
    await world.clock.advance(1000);
    await write;
    expect(world.logger.with('cannot write')).toHaveLength(1);
    expect(world.logger.with('writes to its database again')).toHaveLength(1);
    expect(world.logger.lines).toHaveLength(2);
  });

  it('rejects the one entry that the database refuses, and commits the others with it', async () => {
    world.storage.poison.add('key 7');
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, (_, i) => cache.set(`key ${i}`, i)),
    );
    const rejected = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(rejected).toHaveLength(1);
    expect(outcomes[7]).toMatchObject({
      reason: { code: 'ENTRY_REFUSED', key: 'key 7', namespace: 'on_change' },
    });
    expect(Object.keys(await world.stored('on_change'))).toHaveLength(99);
    expect(await cache.get('key 7')).toBeUndefined();
    expect(await cache.get('key 8')).toBe(8);
    expect(world.logger.with('refuses 1 entry')).toHaveLength(1);
  });

  it('commits both keys of a rename or none, also when one of them is refused', async () => {
    await cache.set('from', 1);
    world.storage.poison.add('to');
    const outcomes = await Promise.allSettled([cache.rename('from', 'to'), cache.set('other', 2)]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'fulfilled']);
    expect(await world.stored('on_change')).toEqual({ from: 1, other: 2 });
    expect(await cache.getMany(['from', 'to'])).toEqual([1, undefined]);
  });

  it('updates an evicted entry from what is stored, not from nothing', async () => {
    const small = await world.register(
      namespaceOf<Record<string, number>>(ON_CHANGE, { name: 'small', maxEntries: 2 }),
    );
    await small.set('user', { name: 1, age: 2 });
    await Promise.all([small.set('x', {}), small.set('y', {})]);
    expect(small.getIfPresent('user')).toBeUndefined();
    expect(await small.update('user', (data) => ({ ...data, age: 3 }))).toEqual({ name: 1, age: 3 });
  });

  it('updates from what was in memory when its commit began, evicted while the database is asked for others', async () => {
    const small = await world.register(namespaceOf<number>(ON_CHANGE, { name: 'small', maxEntries: 2 }));
    for (const key of ['a', 'b', 'c']) await small.set(key, 1);
    // `c` is in memory and `a` is not: the read for `a` leaves time for `c` to be evicted.
    const updates = [small.update('a', increment), small.update('c', increment)];
    const reads = [small.get('a'), small.get('b')];
    expect(await Promise.all(updates)).toEqual([2, 2]);
    await Promise.all(reads);
    expect(await world.stored('small')).toMatchObject({ a: 2, c: 2 });
  });

  it('never lets a read that began before a commit bring the old value back', async () => {
    const small = await world.register(namespaceOf<string>(ON_CHANGE, { name: 'small', maxEntries: 1 }));
    await small.set('a', 'old');
    await small.set('b', 'evicts a');
    const read = small.get('a');
    const write = small.set('a', 'new');
    await Promise.all([read, write]);
    expect(small.getIfPresent('a')).toBe('new');
    expect(await small.get('a')).toBe('new');
  });

  it('answers for absent keys without asking the database, as long as memory holds everything', async () => {
    const before = world.storage.reads;
    expect(await cache.getMany(['x', 'y', 'z'])).toEqual([undefined, undefined, undefined]);
    expect(await cache.update('x', () => 1)).toBe(1);
    expect(await cache.delete('y')).toBe(false);
    expect(world.storage.reads).toBe(before);
  });

  it('asks the database once for the misses of one tick, and remembers absences', async () => {
    const small = await world.register(namespaceOf<number>(ON_CHANGE, { name: 'small', maxEntries: 2 }));
    for (const key of ['a', 'b', 'c']) await small.set(key, 1);
    const before = world.storage.reads;
    expect(await small.getMany(['x', 'a', 'y', 'x', 'a'])).toEqual([undefined, 1, undefined, undefined, 1]);
    expect(world.storage.reads).toBe(before + 1);
    expect(await small.getMany(['x', 'y'])).toEqual([undefined, undefined]);
    expect(world.storage.reads).toBe(before + 1);
    await small.set('x', 2);
    expect(await small.get('x')).toBe(2);
  });

  it('rejects a read when the database is down, and serves what is in memory', async () => {
    const small = await world.register(namespaceOf<number>(ON_CHANGE, { name: 'small', maxEntries: 1 }));
    await small.set('a', 1);
    await small.set('b', 2);
    world.storage.down = new ChaosError('transient');
    await expect(small.get('a')).rejects.toThrow(errorWith('READ_FAILED'));
    expect(await small.get('b')).toBe(2);
    world.storage.down = undefined;
    expect(await small.get('a')).toBe(1);
  });

  it('waits in flush() for what is queued', async () => {
    world.storage.hold();
    const write = cache.set('a', 1);
    const flush = cache.flush();
    expect(await isSettled(flush)).toBe(false);
    world.storage.release();
    expect(await flush).toMatchObject({ written: 1, failed: 0, remaining: 0 });
    await write;
  });

  it('commits what is queued when the cache stops', async () => {
    const writes = [cache.set('a', 1), cache.update('b', () => 2)];
    await world.engine.stop();
    await Promise.all(writes);
    expect(await world.stored('on_change')).toEqual({ a: 1, b: 2 });
  });

  it('settles every queued write when it stops while the database is down', async () => {
    world.storage.down = new ChaosError('transient');
    const writes = Promise.allSettled(Array.from({ length: 3000 }, (_, i) => cache.set(`key ${i}`, i)));
    const stop = world.engine.stop();
    await world.clock.advance(30_000);
    await stop;
    const outcomes = await writes;
    expect(outcomes.every((outcome) => outcome.status === 'rejected')).toBe(true);
  });
});
