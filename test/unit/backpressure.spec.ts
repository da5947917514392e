import { describe, expect, it } from 'vitest';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import { systemClock } from '../../src/core/clock.js';
import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { ChaosError } from '../support/chaos-storage.js';
import { increment, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';
import { RecordingLogger } from '../support/recording-logger.js';

const MIB = 2 ** 20;

describe('writes that wait for room', () => {
  it('all end on a healthy database, also when more updates of evicted keys came at once than may be dirty', async () => {
    const world = new EngineWorld({ maxDirty: 1000, checkpointIntervalMs: false });
    const definition = namespaceOf<number>(ON_SHUTDOWN, { maxEntries: 2000 });
    const keys = Array.from({ length: 9000 }, (_, i) => `k${i}`);
    const puts = keys.map((key) => ({ key, value: '1', expiresAt: null }));
    await writeChanges(world.rows, [{ namespace: 'on_shutdown', puts }], 1);
    const cache = await world.register(definition);
    const evicted = keys.slice(-1500);
    let ended = 0;
    for (const key of evicted) void cache.update(key, increment).then(() => (ended += 1));
    await settle(400);
    expect(ended).toBe(1500);
    expect(cache.stats()).toMatchObject({ waiting: 0, waitingBytes: 0 });
  });

  it('are not held up by an entry that the database refuses', async () => {
    const world = new EngineWorld({ maxDirty: 100, checkpointIntervalMs: false });
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    world.storage.poison.add('poison');
    await cache.set('poison', 0);
    await cache.flush();
    let ended = 0;
    for (let i = 0; i < 1000; i += 1) void cache.set(`k${i}`, i).then(() => (ended += 1));
    await settle(200);
    expect(ended).toBe(1000);
    expect(cache.stats().refused).toBe(1);
  });

  it('are not held up by as many refused entries as may be dirty, which stay and are written once they can be', async () => {
    const world = new EngineWorld({ maxDirty: 3, checkpointIntervalMs: false });
    const [one, other] = await Promise.all([
      world.register(namespaceOf<number>(ON_SHUTDOWN, { name: 'one' })),
      world.register(namespaceOf<number>(ON_SHUTDOWN, { name: 'other' })),
    ]);
    for (const key of ['p1', 'p2', 'p3']) world.storage.poison.add(key);
    await one.setMany([
      ['p1', 1],
      ['p2', 2],
      ['p3', 3],
    ]);
    const written = Promise.all(Array.from({ length: 20 }, (_, i) => other.set(`k${i}`, i)));
    await settle(200);
    await written;
    expect(one.stats()).toMatchObject({ dirty: 3, refused: 3 });
    world.storage.poison.clear();
    await world.clock.advance(30_000);
    expect(await world.stored('one')).toEqual({ p1: 1, p2: 2, p3: 3 });
    expect(one.stats()).toMatchObject({ dirty: 0, dirtyBytes: 0, refused: 0 });
  });

  it('are bounded by the bytes of what is dirty, one value over at most, waiting calls counted with theirs', async () => {
    const world = new EngineWorld({ maxDirtyBytes: 2000, checkpointIntervalMs: false });
    const cache = await world.register(namespaceOf<string>(ON_SHUTDOWN));
    world.storage.hold();
    const text = 'x'.repeat(298);
    const writes = Promise.all(Array.from({ length: 10 }, (_, i) => cache.set(`k${i}`, text)));
    await settle();
    expect(cache.stats()).toMatchObject({ dirty: 4, dirtyBytes: 2400, waiting: 6, waitingBytes: 3600 });
    world.storage.release();
    await settle(100);
    await writes;
    await cache.flush();
    expect(cache.stats()).toMatchObject({ dirty: 0, dirtyBytes: 0, waiting: 0, waitingBytes: 0 });
  });

  it('may make a dirty value smaller at once, and larger when there is room', async () => {
    const world = new EngineWorld({ maxDirtyBytes: 200, checkpointIntervalMs: false });
    const cache = await world.register(namespaceOf<string>(ON_SHUTDOWN));
    world.storage.hold();
    await cache.set('a', 'x'.repeat(120));
    await cache.set('a', 'y'.repeat(110));
    const larger = cache.set('a', 'z'.repeat(130));
    await settle();
    expect(cache.getIfPresent('a')).toBe('y'.repeat(110));
    world.storage.release();
    await settle(50);
    await larger;
    expect(cache.getIfPresent('a')).toBe('z'.repeat(130));
  });

  it('of a key do not hold up those of other keys', async () => {
    const world = new EngineWorld();
    const cache = await world.register(namespaceOf<number>(ON_SHUTDOWN, { maxEntries: 1 }));
    await cache.setMany([
      ['a', 1],
      ['b', 1],
    ]);
    await cache.flush();
    const never = new Promise<never>(() => undefined);
    world.storage.read = () => never;
    void cache.update('a', increment);
    await cache.set('c', 1);
    expect(cache.getIfPresent('c')).toBe(1);
    expect(cache.stats().waiting).toBe(1);
  });
});

describe('a caller that only awaits its writes', () => {
  it('leaves the event loop to the flushes that make room for them', async () => {
    const storage = new InMemoryStorage();
    const engine = new CacheEngine(
      () => storage,
      resolveEngineOptions({ maxDirtyBytes: 4 * MIB, checkpointIntervalMs: false }),
      {},
      { clock: systemClock, logger: new RecordingLogger(), random: Math.random },
    );
    const cache = await engine.register(
      namespaceOf<string>(ON_SHUTDOWN, { maxEntries: 10, maxBytes: 2 * MIB }),
    );
    const value = 'x'.repeat(50_000);
    let most = 0;
    for (let i = 0; i < 1000; i += 1) {
      await cache.set(`k${i}`, value);
      most = Math.max(most, cache.stats().dirtyBytes);
    }
    expect(most).toBeLessThanOrEqual(4 * MIB + 100_004);
    expect(cache.stats().written).toBeGreaterThan(900);
    await engine.stop();
  });

  it('lets checkpoints of many small entries run before the bound is reached', async () => {
    const storage = new InMemoryStorage();
    const engine = new CacheEngine(
      () => storage,
      resolveEngineOptions({ checkpointIntervalMs: false }),
      {},
      { clock: systemClock, logger: new RecordingLogger(), random: Math.random },
    );
    const cache = await engine.register(namespaceOf<number>(ON_SHUTDOWN));
    for (let i = 0; i < 50_000; i += 1) await cache.set(`k${i}`, i);
    expect(cache.stats().written).toBeGreaterThan(10_000);
    await engine.stop();
  });
});

describe('a storage that works again', () => {
  it('is used at once by every level, whichever noticed it', async () => {
    const world = new EngineWorld({ checkpointIntervalMs: false, writeTimeoutMs: 1000 });
    const back = await world.register(namespaceOf<number>(ON_SHUTDOWN));
    const through = await world.register(namespaceOf<number>(ON_CHANGE));
    world.storage.down = new ChaosError('transient');
    await back.set('a', 1);
    void back.flush();
    // Long enough for the pause between two attempts to be tens of seconds.
    await world.clock.advance(60_000);
    world.storage.down = undefined;
    await through.set('b', 1);
    await settle();
    expect(await world.stored('on_shutdown')).toEqual({ a: 1 });
  });
});
