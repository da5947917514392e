import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  CachePersistenceLevel,
  defineNamespace,
  stringKey,
  STORAGE_CHANNEL,
  type NamespaceCache,
  type ValueCodec,
} from '../../src/index.js';
import type { CacheLogger } from '../../src/core/cache-logger.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { ChaosError } from '../support/chaos-storage.js';
import { errorWith, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { EngineWorld } from '../support/engine-world.js';
import { settle } from '../support/fake-clock.js';

/** Not every throw is of an Error. */
const NOTHING: unknown = undefined;

/** Looks like a promise until somebody looks. */
const trap = (): object =>
  new Proxy(
    {},
    {
      get(_target, name): unknown {
        if (name === 'then') throw new Error('trap');
        return undefined;
      },
    },
  );

const PERSISTED = [ON_CHANGE, ON_SHUTDOWN];

/** Collects what would have ended the process. */
function uncaught(): unknown[] {
  const errors: unknown[] = [];
  const others = process.listeners('uncaughtException');
  const rejections = process.listeners('unhandledRejection');
  const note = (error: unknown): void => void errors.push(error);
  for (const event of ['uncaughtException', 'unhandledRejection']) process.removeAllListeners(event);
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
  onTestFinished(() => {
    process.off('uncaughtException', note);
    process.off('unhandledRejection', note);
    for (const other of others) process.on('uncaughtException', other);
    for (const other of rejections) process.on('unhandledRejection', other);
  });
  return errors;
}

/** A logger of which every method does this. */
function loggerThat(say: () => unknown): CacheLogger {
  const method = (): void => say() as undefined;
  return { log: method, warn: method, error: method, fatal: method };
}

const LOGGERS: [string, () => unknown][] = [
  [
    'throws',
    () => {
      throw new Error('the log is full');
    },
  ],
  [
    'throws what is no Error',
    () => {
      throw NOTHING;
    },
  ],
  ['gives a promise that rejects', () => Promise.reject(new Error('the log is away'))],
  ['gives something like a promise, which throws', trap],
];

describe.each(LOGGERS)('a logger that %s', (_what, say) => {
  it.each(PERSISTED)('stops no write, retry, stop or start (%s)', async (level) => {
    const errors = uncaught();
    const world = new EngineWorld(
      { shutdownTimeoutMs: 1000, writeTimeoutMs: 60_000 },
      undefined,
      loggerThat(say),
    );
    const cache = await world.register(namespaceOf(level));
    world.storage.down = new ChaosError('transient');
    const write = cache.set('a', 1);
    const flush = cache.flush();
    await world.clock.advance(1000);
    world.storage.down = undefined;
    await world.clock.advance(60_000);
    await Promise.all([write, flush]);
    expect(await world.stored(level)).toEqual({ a: 1 });

    world.storage.poison.add('poison');
    const refused = cache.set('poison', 1);
    if (level === ON_CHANGE) await expect(refused).rejects.toThrow(errorWith('ENTRY_REFUSED'));
    await cache.flush();
    await cache.set('b', 2);
    await cache.flush();
    expect(await world.stored(level)).toEqual({ a: 1, b: 2 });

    const stop = world.engine.stop();
    await world.clock.advance(5000);
    expect((await stop).leftBehind).toHaveLength(level === ON_CHANGE ? 0 : 1);
    await writeChanges(
      world.rows,
      [{ namespace: level, puts: [{ key: 'bad', value: '{', expiresAt: null }] }],
      1,
    );
    world.crash();
    const again = await world.register(namespaceOf(level));
    expect(await again.get('a')).toBe(1);
    expect(errors).toEqual([]);
  });
});

describe('a listener of the diagnostics channel that throws', () => {
  it.each(PERSISTED)('stops no write and no retry (%s): Node reports it on its own', async (level) => {
    const errors = uncaught();
    const listener = (): never => {
      throw new Error('of the listener');
    };
    subscribe(STORAGE_CHANNEL, listener);
    onTestFinished(() => void unsubscribe(STORAGE_CHANNEL, listener));
    const world = new EngineWorld({ writeTimeoutMs: 60_000 });
    const cache = await world.register(namespaceOf(level));
    world.storage.down = new ChaosError('transient');
    const writes = [cache.set('a', 1), cache.set('b', 2)];
    const flush = cache.flush();
    await world.clock.advance(1000);
    world.storage.down = undefined;
    await world.clock.advance(60_000);
    await Promise.all([...writes, flush]);
    expect(await world.stored(level)).toEqual({ a: 1, b: 2 });
    expect(new Set(errors.map(String))).toEqual(new Set(['Error: of the listener']));
  });
});

/** A codec of text that throws while told to, and whose values can't be shared. */
class MoodyCodec implements ValueCodec<Map<string, string>> {
  failsEncode = false;
  /** Values that hold this can't be decoded. */
  undecodable: string | undefined;

  constructor(private readonly thrown: unknown) {}

  readonly encode = (value: Map<string, string>): string => {
    if (this.failsEncode) throw this.thrown;
    return JSON.stringify([...value]);
  };

  readonly decode = (text: string): Map<string, string> => {
    if (this.undecodable !== undefined && text.includes(this.undecodable)) throw this.thrown;
    return new Map(JSON.parse(text) as [string, string][]);
  };
}

const THROWN: [string, unknown][] = [
  ['an Error', new Error('moody')],
  ['undefined', undefined],
  ['a string', 'moody'],
  ['an object without a prototype', Object.create(null)],
];

describe.each(PERSISTED)('a codec that throws (%s)', (level) => {
  const valueOf = (text: string): Map<string, string> => new Map([['text', text]]);

  async function worldWith(codec: ValueCodec<Map<string, string>>, maxEntries = 1000) {
    const definition = defineNamespace({
      name: level,
      key: stringKey(),
      value: codec,
      persistence: level,
      maxEntries,
    });
    const world = new EngineWorld({ writeTimeoutMs: 1000 });
    return { world, definition, cache: await world.register(definition) };
  }

  it.each(THROWN)('%s as it encodes fails that write alone', async (_what, thrown) => {
    const errors = uncaught();
    const codec = new MoodyCodec(thrown);
    const { cache } = await worldWith(codec);
    await cache.set('a', valueOf('1'));
    codec.failsEncode = true;
    await expect(cache.set('a', valueOf('2'))).rejects.toThrow(errorWith('INVALID_VALUE'));
    await expect(cache.update('a', () => valueOf('2'))).rejects.toThrow(errorWith('INVALID_VALUE'));
    await expect(cache.getOrLoad('b', () => valueOf('2'))).rejects.toThrow(errorWith('INVALID_VALUE'));
    codec.failsEncode = false;
    await cache.set('b', valueOf('3'));
    expect((await cache.flush()).remaining).toBe(0);
    expect(await cache.getMany(['a', 'b'])).toEqual([valueOf('1'), valueOf('3')]);
    expect(errors).toEqual([]);
  });

  it.each(THROWN)(
    '%s as it decodes an entry in memory fails the calls of that entry alone',
    async (_what, thrown) => {
      const errors = uncaught();
      const codec = new MoodyCodec(thrown);
      const { world, definition, cache } = await worldWith(codec);
      await cache.setMany([
        ['bad', valueOf('poison')],
        ['good', valueOf('1')],
      ]);
      await cache.flush();
      world.crash();
      const again = await world.register(definition);
      codec.undecodable = 'poison';
      const results = Promise.allSettled([
        again.update('good', () => valueOf('2')),
        again.update('bad', (current) => current ?? valueOf('lost')),
        again.update('good', (current) => valueOf(`${current?.get('text')}, 3`)),
      ]);
      await world.clock.advance(5000);
      expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      await expect(again.get('bad')).rejects.toThrow(errorWith('UNREADABLE_ENTRY'));
      expect([...again]).toEqual([['good', valueOf('2, 3')]]);
      await again.flush();
      expect(await world.stored(level)).toEqual({ bad: [['text', 'poison']], good: [['text', '2, 3']] });
      // And it is there again once the codec is in a better mood.
      codec.undecodable = undefined;
      expect(await again.get('bad')).toEqual(valueOf('poison'));
      expect(errors).toEqual([]);
    },
  );

  it('as it decodes for the second of two readers fails that reader alone', async () => {
    const errors = uncaught();
    const codec = new MoodyCodec('moody');
    const { world, definition, cache } = await worldWith(codec, 1);
    await cache.setMany([
      ['bad', valueOf('poison')],
      ['good', valueOf('1')],
    ]);
    await cache.flush();
    world.crash();
    const again = await world.register(definition);
    const missed = [...again.keys()].includes('bad') ? 'good' : 'bad';
    // Each reader gets a copy of its own: the row is decoded once to see whether it can be, and then for each of them.
    let decodings = 0;
    const { decode } = codec;
    Object.assign(codec, {
      decode: (text: string) => {
        decodings += 1;
        // What is in memory, and the row it came from.
        if (decodings === 2 || decodings === 3) throw NOTHING;
        return decode(text);
      },
    });
    const reads = [again.get(missed), again.get(missed)];
    const settled = Promise.allSettled(reads);
    await settle();
    expect(decodings).toBeGreaterThan(2);
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(errors).toEqual([]);
  });

  it('as it encodes has no part in a rename, which moves the text as it is stored', async () => {
    const codec = new MoodyCodec('moody');
    const { world, definition, cache } = await worldWith(codec);
    await cache.set('from', valueOf('1'));
    await cache.flush();
    codec.failsEncode = true;
    expect(await cache.rename('from', 'to')).toBe(true);
    await cache.flush();
    world.crash();
    const again = await world.register(definition);
    expect(await again.getMany(['from', 'to'])).toEqual([undefined, valueOf('1')]);
  });

  it('as it decodes rows during a load leaves those rows out, and starts', async () => {
    const errors = uncaught();
    const codec = new MoodyCodec(null);
    const { world, definition, cache } = await worldWith(codec);
    await cache.setMany([
      ['bad', valueOf('poison')],
      ['good', valueOf('1')],
    ]);
    await cache.flush();
    codec.undecodable = 'poison';
    world.crash();
    const again = await world.register(definition);
    expect([...again.keys()]).toEqual(['good']);
    expect((await world.engine.loadFromDatabase()).skipped).toBe(1);
    await expect(again.get('bad')).rejects.toThrow(errorWith('UNREADABLE_ENTRY'));
    expect(errors).toEqual([]);
  });
});

describe.each(Object.values(CachePersistenceLevel))('an updater or a loader (%s)', (level) => {
  it.each(THROWN)('that throws %s fails its own call alone', async (_what, thrown) => {
    const errors = uncaught();
    const world = new EngineWorld();
    const cache: NamespaceCache<string, unknown> = await world.register(namespaceOf(level));
    const fail = (): never => {
      throw thrown;
    };
    const results = await Promise.allSettled([
      cache.update('a', () => 1),
      cache.update('a', fail),
      cache.update('a', (n) => [n]),
      cache.getOrLoad('b', fail),
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors
      cache.getOrLoad('c', () => Promise.reject(thrown)),
      cache.getOrLoad('d', () => 2),
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    for (const i of [1, 3, 4]) expect(results[i]).toEqual({ status: 'rejected', reason: thrown });
    expect(await cache.getMany(['a', 'd'])).toEqual([[1], 2]);
    expect(errors).toEqual([]);
  });

  it('that gives something whose "then" throws fails its own call alone', async () => {
    const world = new EngineWorld();
    const cache: NamespaceCache<string, unknown> = await world.register(namespaceOf(level));
    const update = cache.update('a', trap);
    const after = cache.update('a', () => 1);
    await expect(update).rejects.toThrow('trap');
    await expect(cache.getOrLoad('b', trap)).rejects.toThrow('trap');
    expect(await after).toBe(1);
  });
});
