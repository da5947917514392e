import { beforeEach, describe, expect, it } from 'vitest';
import type { NamespaceCache, RowWrite } from '../../src/index.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { ChaosError } from '../support/chaos-storage.js';
import { errorWith, increment, namespaceOf, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';

const definition = namespaceOf(ON_SHUTDOWN);
const small = namespaceOf<number>(ON_SHUTDOWN, { name: 'small', maxEntries: 2 });

describe('ON_SHUTDOWN', () => {
  let world: EngineWorld;
  let cache: NamespaceCache<string, unknown>;

  beforeEach(async () => {
    world = new EngineWorld();
    cache = await world.register(definition);
  });

  it('takes effect in memory at the call, and writes at the next checkpoint', async () => {
    world.engine.start();
    void cache.set('a', 1);
    expect(cache.getIfPresent('a')).toBe(1);
    expect(cache.stats().dirty).toBe(1);
    await world.clock.advance(29_999);
    expect(await world.stored('on_shutdown')).toEqual({});
    await world.clock.advance(1);
    expect(await world.stored('on_shutdown')).toEqual({ a: 1 });
    expect(cache.stats().dirty).toBe(0);
    await cache.set('a', 2);
    await world.clock.advance(30_000);
    expect(await world.stored('on_shutdown')).toEqual({ a: 2 });
  });

  it('loses over a crash no more than what came after the last checkpoint', async () => {
    world.engine.start();
    await cache.set('a', 1);
    await world.clock.advance(30_000);
    await cache.set('a', 2);
    await cache.set('b', 2);
    world.crash();
    const again = await world.register(definition);
    expect(await again.getMany(['a', 'b'])).toEqual([1, undefined]);
  });

  it('writes no checkpoint when told not to', async () => {
    world = new EngineWorld({ checkpointIntervalMs: false });
    cache = await world.register(definition);
    world.engine.start();
    await cache.set('a', 1);
    await world.clock.advance(3_600_000);
    expect(world.storage.writes).toBe(0);
    await world.engine.stop();
    expect(await world.stored('on_shutdown')).toEqual({ a: 1 });
  });

  it('writes everything at the stop, deletes and clears too', async () => {
    await cache.setMany([
      ['a', 1],
      ['b', 2],
    ]);
    await cache.flush();
    await cache.delete('a');
    await cache.set('c', 3);
    await world.restart();
    let again = await world.register(definition);
    expect(await again.getMany(['a', 'b', 'c'])).toEqual([undefined, 2, 3]);
    await again.clear();
    await again.set('d', 4);
    await world.restart();
    again = await world.register(definition);
    expect(await again.getMany(['a', 'b', 'c', 'd'])).toEqual([undefined, undefined, undefined, 4]);
  });

  it('writes only the newest value of each key', async () => {
    for (let i = 0; i <= 100; i += 1) await cache.set('a', i);
    expect(await cache.flush()).toMatchObject({ written: 1, failed: 0, remaining: 0, error: undefined });
    expect(world.storage.committed).toHaveLength(1);
    expect(await world.stored('on_shutdown')).toEqual({ a: 100 });
  });

  it('keeps dirty what is set again while it is being written', async () => {
    await cache.set('a', 1);
    world.storage.hold();
    const flush = cache.flush();
    await settle();
    await cache.set('a', 2);
    await cache.set('b', 2);
    world.storage.release();
    expect(await flush).toMatchObject({ written: 1, remaining: 2 });
    expect(await world.stored('on_shutdown')).toEqual({ a: 1 });
    await cache.flush();
    expect(await world.stored('on_shutdown')).toEqual({ a: 2, b: 2 });
  });

  it('reports of a flush what was written since its call, whoever asked for the write', async () => {
    // With so little room a pass begins by itself.
    world = new EngineWorld({ maxDirty: 4 });
    cache = await world.register(definition);
    await Promise.all(['a', 'b'].map((key) => cache.set(key, 1)));
    const early = cache.flush();
    expect(await early).toMatchObject({ written: 2, remaining: 0 });
    expect(world.storage.writes).toBe(1);
    world.storage.hold();
    await Promise.all(['a', 'b'].map((key) => cache.set(key, 2)));
    await settle();
    await cache.set('c', 2);
    const late = cache.flush();
    world.storage.release();
    expect(await late).toMatchObject({ written: 3, remaining: 0 });
  });

  it('a delete during the write of an older value wins', async () => {
    await cache.set('a', 1);
    world.storage.hold();
    const flush = cache.flush();
    await settle();
    expect(await cache.delete('a')).toBe(true);
    world.storage.release();
    await flush;
    await world.restart();
    const again = await world.register(definition);
    expect(await again.get('a')).toBeUndefined();
  });

  it('writes after a clear survive it, whenever the clear is written', async () => {
    await cache.set('old', 1);
    await cache.flush();
    world.storage.hold();
    await cache.clear();
    const flush = cache.flush();
    await settle();
    await cache.set('between', 1);
    await cache.clear();
    await cache.set('new', 2);
    world.storage.release();
    await flush;
    await cache.flush();
    expect(await world.stored('on_shutdown')).toEqual({ new: 2 });
    await world.restart();
    const again = await world.register(definition);
    expect([...again.keys()]).toEqual(['new']);
  });

  it('a clear that is not written yet hides every row', async () => {
    const tight = await world.register(small);
    for (const key of ['a', 'b', 'c', 'd']) await tight.set(key, 1);
    await tight.flush();
    world.storage.down = new ChaosError('transient');
    await tight.clear();
    expect(await tight.getMany(['a', 'b', 'c', 'd'])).toEqual([undefined, undefined, undefined, undefined]);
    expect(await tight.update('a', increment)).toBe(1);
  });

  it('keeps a dirty entry readable after its eviction, and writes it', async () => {
    const tight = await world.register(small);
    world.storage.down = new ChaosError('transient');
    for (const [i, key] of ['a', 'b', 'c', 'd'].entries()) await tight.set(key, i);
    expect(tight.size).toBe(2);
    expect(tight.getIfPresent('a')).toBe(0);
    expect(await tight.getMany(['a', 'b', 'c', 'd'])).toEqual([0, 1, 2, 3]);
    expect(await tight.update('b', increment)).toBe(2);
    world.storage.down = undefined;
    await world.clock.advance(60_000);
    expect(await world.stored('small')).toEqual({ a: 0, b: 2, c: 2, d: 3 });
    expect(tight.stats().evictions).toBeGreaterThan(0);
  });

  it('writes when a dirty entry is evicted, without waiting for a checkpoint', async () => {
    const tight = await world.register(small);
    for (const key of ['a', 'b', 'c']) await tight.set(key, 1);
    await settle();
    expect(await world.stored('small')).toEqual({ a: 1, b: 1, c: 1 });
  });

  it('updates an evicted entry from what is stored, overlapping calls included', async () => {
    const tight = await world.register(small);
    for (const key of ['a', 'b', 'c']) await tight.set(key, 10);
    await tight.flush();
    expect(tight.getIfPresent('a')).toBeUndefined();
    const results = await Promise.all([
      tight.update('a', increment),
      tight.update('a', increment),
      tight.get('a'),
      tight.update('a', increment),
    ]);
    expect(results).toEqual([11, 12, 12, 13]);
    await tight.flush();
    expect(await world.stored('small')).toMatchObject({ a: 13 });
  });

  it('a set overtakes no update of the key that waits for the database', async () => {
    const tight = await world.register(small);
    for (const key of ['a', 'b', 'c']) await tight.set(key, 10);
    await tight.flush();
    const update = tight.update('a', increment);
    const remove = tight.delete('a');
    const set = tight.set('a', 99);
    expect(await Promise.all([update, remove, set])).toEqual([11, true, undefined]);
    expect(await tight.get('a')).toBe(99);
    await tight.flush();
    expect(await world.stored('small')).toMatchObject({ a: 99 });
  });

  it('renames an evicted entry, holding back later writes to its target', async () => {
    const tight = await world.register(small);
    for (const key of ['a', 'b', 'c']) await tight.set(key, 10);
    await tight.flush();
    const results = await Promise.all([
      tight.rename('a', 'x'),
      tight.set('x', 99),
      tight.rename('gone', 'y'),
    ]);
    expect(results).toEqual([true, undefined, false]);
    expect(await tight.getMany(['a', 'x', 'y'])).toEqual([undefined, 99, undefined]);
    await tight.flush();
    expect(await world.stored('small')).toMatchObject({ x: 99 });
    expect(await world.stored('small')).not.toHaveProperty('a');
  });

  it('writes both keys of a rename in one transaction, also when they are set again before', async () => {
    await cache.set('from', 1);
    await cache.flush();
    await cache.rename('from', 'to');
    await cache.set('to', 2);
    for (let i = 0; i < 20; i += 1) await cache.set(`other ${i}`, i);
    world.storage.poison.add('other 3');
    await cache.flush();
    for (const commit of world.storage.committed.slice(1)) {
      const rows = commit as RowWrite[];
      const isRemoved = rows.some(({ key, value }) => key === 'from' && value === undefined);
      expect(isRemoved).toBe(rows.some(({ key, value }) => key === 'to' && value !== undefined));
    }
    expect(await world.stored('on_shutdown')).toMatchObject({ to: 2 });
    expect(await world.stored('on_shutdown')).not.toHaveProperty('from');
  });

  it('keeps what a failed write held, tries again with growing delays, and says so once', async () => {
    world.storage.down = new ChaosError('transient');
    await cache.set('a', 1);
    expect(await cache.flush()).toMatchObject({
      written: 0,
      failed: 1,
      remaining: 1,
      error: errorWith('WRITE_FAILED'),
    });
    await cache.set('a', 2);
    await world.clock.advance(20_000);
    expect(cache.stats().dirty).toBe(1);
    const attempts = cache.stats().writeFailures;
    expect(attempts).toBeGreaterThan(5);
    expect(attempts).toBeLessThan(15);
    expect(world.logger.lines).toHaveLength(1);
    world.storage.down = undefined;
    await world.clock.advance(60_000);
    expect(await world.stored('on_shutdown')).toEqual({ a: 2 });
    expect(cache.stats().dirty).toBe(0);
    expect(world.logger.lines).toHaveLength(2);
  });

  it('isolates an entry that the database refuses: the others are written, it is kept and reported once', async () => {
    world.storage.poison.add('key 500');
    for (let i = 0; i < 1000; i += 1) void cache.set(`key ${i}`, i);
    const report = await cache.flush();
    expect(report).toMatchObject({
      written: 999,
      failed: 1,
      remaining: 1,
      error: errorWith('ENTRY_REFUSED'),
    });
    expect(Object.keys(await world.stored('on_shutdown'))).toHaveLength(999);
    expect(cache.stats()).toMatchObject({ dirty: 1, refused: 1 });
    expect(cache.getIfPresent('key 500')).toBe(500);
    await cache.set('key 1', 'newer');
    expect(await cache.flush()).toMatchObject({ written: 1, failed: 1 });
    expect(world.logger.with('refuses')).toHaveLength(1);
    world.storage.poison.clear();
    expect(await cache.flush()).toMatchObject({ written: 1, failed: 0, remaining: 0 });
    expect(cache.stats().refused).toBe(0);
  });

  it('does not take a database that refuses everything for 1000 poison entries', async () => {
    for (let i = 0; i < 1000; i += 1) void cache.set(`key ${i}`, i);
    world.storage.down = new ChaosError('permanent');
    const report = await cache.flush();
    expect(report).toMatchObject({ written: 0, remaining: 1000 });
    world.storage.down = undefined;
    await world.clock.advance(60_000);
    await cache.flush();
    expect(cache.stats().dirty).toBe(0);
  });

  it('makes writes wait when too much is unwritten, and drops none', async () => {
    world = new EngineWorld({ maxDirty: 10 });
    cache = await world.register(definition);
    world.storage.hold();
    let acknowledged = 0;
    const writes = Array.from({ length: 25 }, (_, i) =>
      cache.set(`key ${i}`, i).then(() => {
        acknowledged += 1;
      }),
    );
    await settle();
    expect(acknowledged).toBe(10);
    expect(cache.stats()).toMatchObject({ dirty: 10, waiting: 15 });
    world.storage.release();
    await Promise.all(writes);
    await cache.flush();
    expect(Object.keys(await world.stored('on_shutdown'))).toHaveLength(25);
    expect(cache.stats()).toMatchObject({ dirty: 0, waiting: 0 });
  });

  it('stores what was set, whatever becomes of the object while the write waits for room', async () => {
    world = new EngineWorld({ maxDirty: 1 });
    cache = await world.register(definition);
    world.storage.hold();
    const value = { n: 1 };
    const writes = [cache.set('a', 0), cache.set('b', value)];
    value.n = 2;
    world.storage.release();
    await Promise.all(writes);
    expect(await cache.get('b')).toEqual({ n: 1 });
  });

  it('refuses at the call what can’t be serialised, also while writes wait for room', async () => {
    world = new EngineWorld({ maxDirty: 1 });
    cache = await world.register(definition);
    world.storage.hold();
    const write = cache.set('a', 0);
    const waiting = cache.set('b', 1);
    await expect(cache.set('c', 1n)).rejects.toThrow(errorWith('INVALID_VALUE'));
    world.storage.release();
    await Promise.all([write, waiting]);
  });

  it('bounds what all namespaces together leave unwritten', async () => {
    world = new EngineWorld({ maxDirty: 10 });
    cache = await world.register(definition);
    const other = await world.register(namespaceOf(ON_SHUTDOWN, { name: 'other' }));
    for (let i = 0; i < 10; i += 1) await cache.set(`key ${i}`, i);
    await other.set('a', 1);
    expect(await world.stored('on_shutdown')).toMatchObject({ 'key 9': 9 });
    expect(await other.get('a')).toBe(1);
  });

  it('rejects, at the stop, the writes that still wait for room', async () => {
    world = new EngineWorld({ maxDirty: 1, shutdownTimeoutMs: 1000 });
    cache = await world.register(definition);
    world.storage.down = new ChaosError('transient');
    await cache.set('a', 1);
    const waiting = expect(cache.set('b', 2)).rejects.toThrow(errorWith('CACHE_CLOSED'));
    const stop = world.engine.stop();
    await world.clock.advance(5000);
    await stop;
    await waiting;
  });

  it('keeps an order of calls through backpressure, a clear included', async () => {
    world = new EngineWorld({ maxDirty: 2 });
    cache = await world.register(definition);
    const calls = [
      cache.set('a', 1),
      cache.set('b', 1),
      cache.set('c', 1),
      cache.update('c', (n) => [n]),
      cache.clear(),
      cache.set('d', 1),
      cache.update('c', (n) => n ?? 'gone'),
    ];
    expect(await Promise.all(calls)).toEqual([
      undefined,
      undefined,
      undefined,
      [1],
      undefined,
      undefined,
      'gone',
    ]);
    await cache.flush();
    expect(await world.stored('on_shutdown')).toEqual({ c: 'gone', d: 1 });
  });

  it('says exactly what a stop left behind when the database stays away', async () => {
    world = new EngineWorld({ shutdownTimeoutMs: 2000 });
    cache = await world.register(definition);
    await cache.setMany(Array.from({ length: 12 }, (_, i) => [`key ${i}`, { secret: i }] as const));
    world.storage.down = new ChaosError('transient');
    const stop = world.engine.stop();
    await world.clock.advance(5000);
    const report = await stop;
    expect(report.durationMs).toBeLessThanOrEqual(5000);
    expect(report.leftBehind).toEqual([
      { namespace: 'on_shutdown', count: 12, keys: Array.from({ length: 10 }, (_, i) => `key ${i}`) },
    ]);
    const [line] = world.logger.with('fatal:');
    expect(line).toContain("12 entries unwritten in namespace 'on_shutdown'");
    expect(line).toContain('"key 0"');
    expect(world.logger.lines.join()).not.toContain('secret');
  });

  it('is not held up at the stop by a write that never ends', async () => {
    world = new EngineWorld({ shutdownTimeoutMs: 2000 });
    cache = await world.register(definition);
    await cache.set('a', 1);
    world.storage.hold();
    const stop = world.engine.stop();
    await world.clock.advance(5000);
    expect((await stop).leftBehind).toMatchObject([{ count: 1 }]);
  });

  it('waits at the stop for an update that waits for the database', async () => {
    const tight = await world.register(small);
    for (const key of ['a', 'b', 'c']) await tight.set(key, 10);
    await tight.flush();
    const update = tight.update('a', increment);
    await world.engine.stop();
    expect(await update).toBe(11);
    expect(await world.stored('small')).toMatchObject({ a: 11 });
  });

  it('loads from the database anew, never over unsaved changes', async () => {
    await cache.setMany([
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ]);
    await cache.flush();
    await writeChanges(
      world.rows,
      [
        {
          namespace: 'on_shutdown',
          puts: [
            { key: 'a', value: '"outside"', expiresAt: null },
            { key: 'b', value: '"outside"', expiresAt: null },
          ],
          deletes: ['c'],
        },
      ],
      1,
    );
    await cache.set('b', 'unsaved');
    await cache.set('d', 'unsaved');
    expect(await world.engine.loadFromDatabase()).toMatchObject({ rows: 1, skipped: 0 });
    expect(await cache.getMany(['a', 'b', 'c', 'd'])).toEqual(['outside', 'unsaved', undefined, 'unsaved']);
  });

  it('keeps memory when the database can not be loaded from', async () => {
    await cache.set('a', 1);
    await cache.flush();
    world.storage.down = new ChaosError('transient');
    await expect(world.engine.loadFromDatabase()).rejects.toThrow(errorWith('READ_FAILED'));
    expect(await cache.get('a')).toBe(1);
  });
});
