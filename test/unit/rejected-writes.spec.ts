import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CachePersistenceLevel,
  STORAGE_CHANNEL,
  type NamespaceCache,
  type StorageEvent,
} from '../../src/index.js';
import { ChaosError } from '../support/chaos-storage.js';
import { errorWith, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';

const AWAY = new ChaosError('transient', 'SQLITE_BUSY');

describe('a write that is rejected because the database is away', () => {
  let world: EngineWorld;
  let cache: NamespaceCache<string, number>;
  let events: StorageEvent[];
  const listen = (message: unknown): void => void events.push(message as StorageEvent);

  beforeEach(async () => {
    events = [];
    world = new EngineWorld({ writeTimeoutMs: 1000 });
    cache = await world.register(namespaceOf<number>(ON_CHANGE));
    subscribe(STORAGE_CHANNEL, listen);
  });

  afterEach(() => void unsubscribe(STORAGE_CHANNEL, listen));

  /** Writes that nobody awaits, the database being away until each of them has been rejected. */
  async function outage(writes: number): Promise<void> {
    world.storage.down = AWAY;
    for (let i = 0; i < writes; i += 1) {
      void cache.set(`k${i}`, i);
      await world.clock.advance(10);
    }
    await world.clock.advance(2000);
    world.storage.down = undefined;
  }

  it('is told of when the outage begins, level by level, and once when the first one is rejected', async () => {
    await outage(5);
    expect(world.logger.lines).toEqual([
      "warn: The cache cannot write to its database (SQLITE_BUSY), and tries again. An ON_CHANGE write that can't be " +
        'committed rejects with WRITE_FAILED 1000 ms after its call (writeTimeoutMs); ON_SHUTDOWN writes are kept and retried.',
      expect.stringMatching(
        /^error: Namespace 'on_change', level on_change: a write was rejected with WRITE_FAILED\. .*SQLITE_BUSY/,
      ),
    ]);
  });

  it('is counted, and told of on the channel, each time', async () => {
    await outage(5);
    expect(cache.stats().rejected).toBe(5);
    expect(events.filter(({ type }) => type === 'write-rejected')).toEqual(
      Array.from({ length: 5 }, () => ({
        type: 'write-rejected',
        namespace: ON_CHANGE,
        code: 'WRITE_FAILED',
      })),
    );
  });

  it('is told of again in the next outage', async () => {
    await outage(1);
    await cache.set('between', 1);
    await outage(1);
    expect(world.logger.with('error: ')).toHaveLength(2);
  });

  it('is told of as well where a caller awaits it and takes it', async () => {
    world.storage.down = AWAY;
    const write = expect(cache.set('a', 1)).rejects.toThrow(errorWith('WRITE_FAILED'));
    await world.clock.advance(2000);
    await write;
    expect(world.logger.with('error: ')).toHaveLength(1);
  });

  it('is told of at level ON_SHUTDOWN, where one that has to read can not', async () => {
    const back = await world.register(namespaceOf<number>(ON_SHUTDOWN, { maxEntries: 1 }));
    await back.set('a', 1);
    await back.set('b', 1);
    await back.flush();
    world.storage.down = AWAY;
    void back.increment('a');
    void back.take('a');
    await settle();
    expect(world.logger.lines).toEqual([
      expect.stringMatching(
        /^error: Namespace 'on_shutdown', level on_shutdown: a write was rejected with READ_FAILED/,
      ),
    ]);
    expect(back.stats().rejected).toBe(2);
  });

  it('counts an entry that the database refuses, which is told of where that is found out', async () => {
    world.storage.poison.add('poison');
    void cache.set('poison', 1);
    await settle();
    expect(cache.stats().rejected).toBe(1);
    expect(world.logger.lines).toEqual([
      expect.stringMatching(
        /^error: .*refuses 1 entry.* At level ON_CHANGE its write rejects with ENTRY_REFUSED\./,
      ),
    ]);
  });
});

describe.each(Object.values(CachePersistenceLevel))(
  'a write that is refused for what it is given (%s)',
  (level) => {
    it('is told of once per namespace and code, without its value', async () => {
      const world = new EngineWorld();
      const one = await world.register(namespaceOf(level, { name: 'one' }));
      const other = await world.register(namespaceOf(level, { name: 'other' }));
      for (const cache of [one, one, other]) {
        void cache.set('', 'secret');
        void cache.delete('');
        void cache.set('a', 'secret', 5000 as never);
        void cache.setIfAbsent('a', undefined);
        void cache.setMany([['secret', undefined]]);
      }
      await settle();
      const told = world.logger.lines.map((line) =>
        /^warn: A write was refused with (\w+) .*namespace '(\w+)'/.exec(line),
      );
      expect(
        told.map((match) => match?.slice(1).join(' ') ?? '').toSorted((a, b) => a.localeCompare(b)),
      ).toEqual([
        'INVALID_KEY one',
        'INVALID_KEY other',
        'INVALID_OPTION one',
        'INVALID_OPTION other',
        'INVALID_VALUE one',
        'INVALID_VALUE other',
      ]);
      expect(world.logger.with('secret')).toEqual([]);
      expect(one.stats().rejected).toBe(0);
    });

    it('leaves what an updater throws to its caller', async () => {
      const world = new EngineWorld();
      const cache = await world.register(namespaceOf(level));
      void cache.update('a', () => {
        throw new TypeError('mine');
      });
      await settle();
      expect(world.logger.lines).toEqual([]);
    });
  },
);
