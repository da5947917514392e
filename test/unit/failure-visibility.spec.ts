import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STORAGE_CHANNEL, type NamespaceCache, type StorageEvent } from '../../src/index.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { ChaosError } from '../support/chaos-storage.js';
import { namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';

describe.each([ON_CHANGE, ON_SHUTDOWN])('a failing database is seen (%s)', (level) => {
  let world: EngineWorld;
  let cache: NamespaceCache<string, unknown>;
  let events: StorageEvent[];
  const listen = (message: unknown): void => void events.push(message as StorageEvent);

  beforeEach(async () => {
    events = [];
    world = new EngineWorld({ shutdownTimeoutMs: 1000 });
    cache = await world.register(namespaceOf(level));
    subscribe(STORAGE_CHANNEL, listen);
  });

  afterEach(() => void unsubscribe(STORAGE_CHANNEL, listen));

  it('in the figures: failures, retries, the age of the oldest unwritten entry, the last error and its time', async () => {
    expect(cache.stats()).toMatchObject({
      writeFailures: 0,
      retries: 0,
      oldestUnwrittenMs: 0,
      lastWriteError: undefined,
    });
    world.storage.down = new ChaosError('transient', 'SQLITE_BUSY');
    const writes = [cache.set('a', 1), cache.set('b', 1)];
    void cache.flush();
    await world.clock.advance(4000);
    const during = cache.stats();
    expect(during.writeFailures).toBeGreaterThan(2);
    expect(during.retries).toBe(during.writeFailures - 1);
    expect(during.oldestUnwrittenMs).toBe(4000);
    expect(during.lastWriteError?.code).toBe('SQLITE_BUSY');
    expect(during.lastWriteError?.at).toBeGreaterThan(world.clock.now() - 4000);
    world.storage.down = undefined;
    await world.clock.advance(6000);
    await Promise.all(writes);
    expect(cache.stats()).toMatchObject({
      dirty: 0,
      oldestUnwrittenMs: 0,
      lastWriteError: { code: 'SQLITE_BUSY' },
    });
  });

  it('in the age, which starts anew for what came after a good write', async () => {
    await cache.set('a', 1);
    await cache.flush();
    await world.clock.advance(5000);
    world.storage.hold();
    const write = cache.set('b', 1);
    void cache.flush();
    await world.clock.advance(700);
    expect(cache.stats().oldestUnwrittenMs).toBe(700);
    world.storage.release();
    await write;
    await cache.flush();
    expect(cache.stats().oldestUnwrittenMs).toBe(0);
  });

  it('on the diagnostics channel: each failure, and the end of the episode', async () => {
    world.storage.down = new ChaosError('transient', 'SQLITE_BUSY');
    const write = cache.set('a', 1);
    void cache.flush();
    await world.clock.advance(1000);
    world.storage.down = undefined;
    await world.clock.advance(2000);
    await write;
    const failures = events.filter((event) => event.type === 'write-failed');
    expect(failures.length).toBe(cache.stats().writeFailures);
    expect(failures[0]).toMatchObject({ code: 'SQLITE_BUSY' });
    expect(events.at(-1)).toMatchObject({ type: 'write-recovered', failures: failures.length });
    expect(world.logger.lines).toHaveLength(2);
  });

  it('on the diagnostics channel and once in the log: an entry that the database refuses', async () => {
    world.storage.poison.add('poison');
    await Promise.allSettled([cache.set('poison', 'secret'), cache.set('b', 1)]);
    await cache.flush();
    await cache.flush();
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'entry-refused', namespace: level, count: 1, code: 'CHAOS_REFUSED' }),
    );
    expect(world.logger.with('refuses 1 entry')).toHaveLength(1);
    expect(cache.stats().lastWriteError?.code).toBe('CHAOS_REFUSED');
    expect(JSON.stringify([events, world.logger.lines])).not.toContain('secret');
  });

  it('on the diagnostics channel: rows that do not decode', async () => {
    const row = { key: 'bad', value: '{', expiresAt: null };
    await writeChanges(world.rows, [{ namespace: 'other', puts: [row] }], 1);
    await world.register(namespaceOf(level, { name: 'other' }));
    expect(events).toEqual([{ type: 'rows-unreadable', namespace: 'other', count: 1 }]);
    expect(world.logger.with('longer than')).toEqual([]);
  });

  it('in the log: a row whose key is too long to be one of the cache’s', async () => {
    const row = { key: 'k'.repeat(513), value: '1', expiresAt: null };
    await writeChanges(world.rows, [{ namespace: 'other', puts: [row] }], 1);
    await world.register(namespaceOf(level, { name: 'other' }));
    expect(world.logger.with('longer than the 512 characters')).toHaveLength(1);
  });
});
