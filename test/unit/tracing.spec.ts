import { tracingChannel } from 'node:diagnostics_channel';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  COMMIT_CHANNEL,
  FLUSH_CHANNEL,
  LOAD_CHANNEL,
  READ_CHANNEL,
  type CommitTrace,
  type FlushTrace,
  type NamespaceCache,
} from '../../src/index.js';
import { commitTraces, traced } from '../../src/core/tracing.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { ChaosError } from '../support/chaos-storage.js';
import { MEMORY_ONLY, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';

type Trace = Record<string, unknown>;

/** Everything that is told on a channel: which event, and what its object held then. */
function record(name: string): [event: string, trace: Trace][] {
  const events: [string, Trace][] = [];
  const tell =
    (event: string) =>
    (trace: unknown): void =>
      void events.push([event, { ...(trace as Trace) }]);
  const listeners = {
    start: tell('start'),
    end: tell('end'),
    asyncStart: tell('asyncStart'),
    asyncEnd: tell('asyncEnd'),
    error: tell('error'),
  };
  const channel = tracingChannel(name);
  channel.subscribe(listeners);
  onTestFinished(() => channel.unsubscribe(listeners));
  return events;
}

const ended = (events: [string, Trace][]): Trace[] =>
  events.filter(([event]) => event === 'asyncEnd').map(([, trace]) => trace);

/** Puts something around each commit of this test. */
function surroundCommits(around: CommitTrace['around']): void {
  const surround = (message: unknown): void => void Object.assign(message as CommitTrace, { around });
  const { start } = tracingChannel(COMMIT_CHANNEL);
  start.subscribe(surround);
  onTestFinished(() => start.unsubscribe(surround));
}

/** The exceptions of this test that nobody catches. */
function catchUncaught(): readonly unknown[] {
  const thrown: unknown[] = [];
  const caught = (error: unknown): void => void thrown.push(error);
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException').on('uncaughtException', caught);
  onTestFinished(() => {
    process.off('uncaughtException', caught);
    for (const other of others) process.on('uncaughtException', other);
  });
  return thrown;
}

describe('what takes its time is told on tracing channels', () => {
  let world: EngineWorld;

  beforeEach(() => {
    world = new EngineWorld();
  });

  afterEach(async () => {
    world.storage.down = undefined;
    world.storage.release();
    const stopped = world.engine.stop();
    await world.clock.advance(10_000);
    await stopped;
  });

  /** Rows that are there when a namespace is declared. */
  async function seed(namespace: string, values: Record<string, string>): Promise<void> {
    const puts = Object.entries(values).map(([key, value]) => ({ key, value, expiresAt: null }));
    await writeChanges(world.rows, [{ namespace, puts }], 1);
  }

  it('a load: its rows, those that do not decode, and how long it took', async () => {
    const events = record(LOAD_CHANNEL);
    await seed('n', { a: '1', b: '2', bad: '{' });
    await world.register(namespaceOf(ON_CHANGE, { name: 'n' }));
    expect(events.map(([event]) => event)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    expect(events[0]?.[1]).toEqual({ namespace: 'n' });
    expect(ended(events)).toEqual([
      { namespace: 'n', rows: 2, skipped: 1, outcome: 'done', durationMs: 0, result: undefined },
    ]);
    await world.engine.loadFromDatabase();
    expect(ended(events)).toHaveLength(2);
  });

  it('a load that fails: with what the storage threw', async () => {
    const events = record(LOAD_CHANNEL);
    world.storage.down = new ChaosError('transient', 'DOWN');
    await expect(world.register(namespaceOf(ON_CHANGE))).rejects.toThrow('rows could not be loaded');
    expect(events.map(([event]) => event)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(ended(events)[0]).toMatchObject({ outcome: 'failed', error: world.storage.down });
  });

  it('a read of what memory does not have: how many keys were asked for, and found', async () => {
    await seed('n', { a: '1', b: '2', c: '3' });
    const cache = await world.register(namespaceOf(ON_CHANGE, { name: 'n', maxEntries: 1 }));
    const events = record(READ_CHANNEL);
    await cache.get('a');
    expect(events).toEqual([]);
    await cache.getMany(['b', 'c', 'nobody']);
    expect(ended(events)).toEqual([
      expect.objectContaining({ namespace: 'n', keys: 3, found: 2, outcome: 'done' }),
    ]);
    world.storage.down = new ChaosError('transient');
    await expect(cache.get('a')).rejects.toMatchObject({ code: 'READ_FAILED' });
    expect(ended(events)[1]).toMatchObject({ keys: 1, outcome: 'failed' });
  });

  it('a commit: which namespaces share it, and how many rows it stores and removes', async () => {
    const one = await world.register(namespaceOf(ON_CHANGE, { name: 'one' }));
    const two = await world.register(namespaceOf(ON_CHANGE, { name: 'two' }));
    await one.set('gone', 1);
    const events = record(COMMIT_CHANNEL);
    await Promise.all([one.set('a', 1), one.set('b', 1), two.set('a', 1), one.delete('gone')]);
    expect(ended(events)).toEqual([
      expect.objectContaining({
        operation: 'write',
        namespaces: ['one', 'two'],
        puts: 3,
        deletes: 1,
        outcome: 'done',
        durationMs: 0,
      }),
    ]);
    await one.clear();
    expect(ended(events)[1]).toMatchObject({ operation: 'clear', namespaces: ['one'], outcome: 'done' });
  });

  it('each attempt of a commit: one that failed, and one that the database refused', async () => {
    const cache = await world.register(namespaceOf(ON_CHANGE, { name: 'n' }));
    const events = record(COMMIT_CHANNEL);
    world.storage.down = new ChaosError('transient');
    const write = cache.set('a', 1);
    await settle();
    world.storage.down = undefined;
    await world.clock.advance(1000);
    await write;
    world.storage.poison.add('bad');
    await expect(cache.set('bad', 1)).rejects.toMatchObject({ code: 'ENTRY_REFUSED' });
    expect(ended(events).map(({ outcome }) => outcome)).toEqual(['failed', 'done', 'refused']);
  });

  it('an attempt that fails before its transaction begins: this instance can not be made sure of among others', async () => {
    world = new EngineWorld({ instances: 'many' });
    const one = await world.register(namespaceOf(ON_CHANGE, { name: 'one' }));
    const two = await world.register(namespaceOf(ON_CHANGE, { name: 'two' }));
    const events = record(COMMIT_CHANNEL);
    world.storage.down = new ChaosError('transient', 'DOWN');
    const writes = [one.set('a', 1)];
    await settle();
    const write = vi.spyOn(world.storage, 'write');
    writes.push(two.set('a', 1));
    await settle();
    expect(write).not.toHaveBeenCalled();
    const failed = { operation: 'write', puts: 1, outcome: 'failed', error: world.storage.down };
    expect(ended(events)).toEqual([
      expect.objectContaining({ ...failed, namespaces: ['one'] }),
      expect.objectContaining({ ...failed, namespaces: ['two'] }),
    ]);
    world.storage.down = undefined;
    await world.clock.advance(10_000);
    await Promise.all(writes);
  });

  it('how long a commit took', async () => {
    const cache = await world.register(namespaceOf(ON_CHANGE, { name: 'n' }));
    const events = record(COMMIT_CHANNEL);
    world.storage.hold();
    const write = cache.set('a', 1);
    await world.clock.advance(70);
    expect(events.map(([event]) => event)).toEqual(['start', 'end']);
    world.storage.release();
    await write;
    expect(ended(events)[0]).toMatchObject({ durationMs: 70 });
  });

  it('a flush: what it wrote, what it could not, and what is left', async () => {
    const cache = await world.register(namespaceOf(ON_SHUTDOWN, { name: 'n' }));
    await cache.set('a', 1);
    await cache.set('bad', 1);
    world.storage.poison.add('bad');
    const events = record(FLUSH_CHANNEL);
    world.storage.hold();
    const first = cache.flush();
    await settle();
    // What is being written is not what the second one waits for.
    const second = cache.flush();
    world.storage.release();
    await Promise.all([first, second]);
    // Whoever asked for the flush hears of it first.
    await settle();
    expect(ended(events)).toEqual([
      expect.objectContaining({ namespace: 'n', written: 1, failed: 1, remaining: 1, outcome: 'failed' }),
      expect.objectContaining({ namespace: 'n', written: 0, failed: 1, remaining: 1, outcome: 'failed' }),
    ]);
    world.storage.poison.clear();
    await cache.flush();
    await settle();
    expect(ended(events)[2]).toMatchObject({ written: 1, failed: 0, remaining: 0, outcome: 'done' });
  });

  it('not a flush that finds nothing to write, of which a stop makes some', async () => {
    const cache = await world.register(namespaceOf(ON_SHUTDOWN, { name: 'n' }));
    const events = record(FLUSH_CHANNEL);
    await cache.flush();
    await settle();
    expect(events).toEqual([]);
    await cache.set('a', 1);
    await world.engine.stop();
    expect(ended(events)).toEqual([expect.objectContaining({ namespace: 'n', written: 1, remaining: 0 })]);
  });

  it('a flush that was asked for when there was nothing to write, and finds something', async () => {
    const cache = await world.register(namespaceOf(ON_SHUTDOWN, { name: 'n' }));
    const events = record(FLUSH_CHANNEL);
    const flushed = cache.flush();
    await cache.set('a', 1);
    expect(await flushed).toMatchObject({ written: 1 });
    await settle();
    expect(ended(events)).toEqual([expect.objectContaining({ written: 1, remaining: 0, outcome: 'done' })]);
  });

  it('without a key or a value in any of it', async () => {
    const channels = [LOAD_CHANNEL, READ_CHANNEL, FLUSH_CHANNEL, COMMIT_CHANNEL].map((name) => record(name));
    for (const level of [MEMORY_ONLY, ON_CHANGE, ON_SHUTDOWN]) {
      await seed(level, { secretkey0: '"secretvalue"', secretkey1: '"secretvalue"' });
      const cache: NamespaceCache<string, unknown> = await world.register(
        namespaceOf(level, { maxEntries: 1 }),
      );
      await cache.set('secretkey2', 'secretvalue');
      await cache.flush();
      world.storage.poison.add('secretkey3');
      await cache.set('secretkey3', 'secretvalue').catch(() => undefined);
      await cache.flush();
      await cache.getMany(['secretkey0', 'secretkey1', 'secretkey4']);
    }
    expect(channels.every((events) => events.length > 0)).toBe(true);
    expect(JSON.stringify(channels)).not.toContain('secret');
  });

  it('so that what a listener puts into a store, such as a span, is there while the storage works', async () => {
    const spans = new AsyncLocalStorage<{ readonly span: string }>();
    const { start } = tracingChannel<{ readonly span: string }, CommitTrace>(COMMIT_CHANNEL);
    start.bindStore(spans, ({ operation }) => ({ span: operation }));
    onTestFinished(() => void start.unbindStore(spans));
    const cache = await world.register(namespaceOf(ON_CHANGE));
    const seen: unknown[] = [];
    const { storage } = world;
    const write = storage.write.bind(storage);
    storage.write = (...args) => {
      seen.push(spans.getStore());
      return write(...args);
    };
    await cache.set('a', 1);
    expect(seen).toEqual([{ span: 'write' }]);
  });

  /** What the store of `requests` holds at the start of each operation on a channel. */
  function recordRequests(name: string, requests: AsyncLocalStorage<string>): unknown[] {
    const seen: unknown[] = [];
    const start = (): void => void seen.push(requests.getStore());
    const channel = tracingChannel(name);
    const listeners = { start, end() {}, asyncStart() {}, asyncEnd() {}, error() {} };
    channel.subscribe(listeners);
    onTestFinished(() => channel.unsubscribe(listeners));
    return seen;
  }

  it('and is done within what a listener puts around it', async () => {
    const spans = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const write = world.storage.write.bind(world.storage);
    vi.spyOn(world.storage, 'write').mockImplementation((...args) => {
      seen.push(spans.getStore());
      return write(...args);
    });
    surroundCommits((operation) => spans.run('commit', operation));
    const cache = await world.register(namespaceOf(ON_CHANGE));
    await cache.set('a', 1);
    expect(seen).toEqual(['commit']);
  });

  it.each<[what: string, around: CommitTrace['around'], throws: number]>([
    ['does not call it', () => undefined, 0],
    [
      'calls it twice',
      (operation) => {
        operation();
        operation();
      },
      0,
    ],
    [
      'throws before it does',
      () => {
        throw new Error('the listener is broken');
      },
      1,
    ],
    [
      'throws after it did',
      (operation) => {
        operation();
        throw new Error('the listener is broken');
      },
      1,
    ],
  ])('once, where what a listener puts around it %s', async (_what, around, throws) => {
    const thrown = catchUncaught();
    const run = vi.fn<() => Promise<number>>(async () => 5);
    surroundCommits(around);
    const begin = (): CommitTrace => ({ operation: 'write', namespaces: [], puts: 0, deletes: 0 });
    expect(await traced(commitTraces, world.clock, { begin, run })).toBe(5);
    expect(run).toHaveBeenCalledOnce();
    await settle();
    expect(thrown).toHaveLength(throws);
  });

  it('in the context of the caller that comes first, also where others keep the writer busy', async () => {
    const requests = new AsyncLocalStorage<string>();
    const cache = await world.register(namespaceOf(ON_CHANGE));
    const seen = recordRequests(COMMIT_CHANNEL, requests);
    world.storage.hold();
    const first = requests.run('first', () => cache.set('a', 1));
    await settle();
    const second = requests.run('second', () => cache.set('b', 1));
    const third = requests.run('third', () => cache.set('c', 1));
    world.storage.release();
    await Promise.all([first, second, third]);
    expect(seen).toEqual(['first', 'second']);
  });

  it('in the context of the caller that misses first, also where the queries of others come before', async () => {
    const requests = new AsyncLocalStorage<string>();
    const cache = await world.register(namespaceOf(ON_CHANGE, { maxEntries: 1 }));
    await cache.setMany(['a', 'b', 'c', 'd'].map((key) => [key, 1]));
    const seen = recordRequests(READ_CHANNEL, requests);
    world.storage.hang('reads');
    const reads: Promise<unknown>[] = [];
    for (const key of 'abc') {
      reads.push(requests.run(key, () => cache.get(key)));
      await settle();
    }
    world.storage.release();
    await Promise.all(reads);
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  it('a flush in the context of who asks for it, and its commits in that of the flush', async () => {
    const requests = new AsyncLocalStorage<string>();
    const cache = await world.register(namespaceOf(ON_SHUTDOWN));
    const flushes = recordRequests(FLUSH_CHANNEL, requests);
    const commits = recordRequests(COMMIT_CHANNEL, requests);
    const { start } = tracingChannel<string, FlushTrace>(FLUSH_CHANNEL);
    start.bindStore(requests, () => `flush of ${requests.getStore()}`);
    onTestFinished(() => void start.unbindStore(requests));
    await requests.run('setter', () => cache.set('a', 1));
    world.storage.hold();
    const first = requests.run('first', () => cache.flush());
    await settle();
    await requests.run('setter', () => cache.set('b', 1));
    const second = requests.run('second', () => cache.flush());
    world.storage.release();
    await Promise.all([first, second]);
    expect(flushes).toEqual(['flush of first', 'flush of second']);
    expect(commits).toEqual(['flush of first', 'flush of second']);
  });

  it('and nothing is made for it while nobody listens', async () => {
    const begin = vi.fn<() => CommitTrace>();
    const done = vi.fn<() => void>();
    const monotonic = vi.spyOn(world.clock, 'monotonic');
    expect(await traced(commitTraces, world.clock, { begin, run: async () => 1, done })).toBe(1);
    for (const called of [begin, done, monotonic]) expect(called).not.toHaveBeenCalled();
    monotonic.mockRestore();
  });

  it('to listeners that may throw: what they listen to goes on', async () => {
    const thrown = catchUncaught();
    const channel = tracingChannel(COMMIT_CHANNEL);
    const fail = (): never => {
      throw new Error('the listener is broken');
    };
    const listeners = { start: fail, end: fail, asyncStart: fail, asyncEnd: fail, error: fail };
    channel.subscribe(listeners);
    onTestFinished(() => channel.unsubscribe(listeners));
    const cache = await world.register(namespaceOf(ON_CHANGE));
    await cache.set('a', 1);
    expect(await world.stored(ON_CHANGE)).toEqual({ a: 1 });
    if (thrown.length < 4) await once(process, 'uncaughtException');
    await settle();
    expect(thrown).toHaveLength(4);
  });
});
