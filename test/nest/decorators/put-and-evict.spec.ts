import { Injectable } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  Cached,
  CacheEvict,
  CachePut,
  CacheService,
  defineNamespace,
  json,
  numberKey,
  stringKey,
  tupleKey,
  type NamespaceCache,
} from '../../../src/index.js';
import { CacheTesting, CacheTestingModule } from '../../../src/testing/index.js';
import { errorWith } from '../../support/definitions.js';
import { Gate } from '../../support/gate.js';
import { startApp } from '../../support/nest-app.js';

const scores = defineNamespace({
  name: 'scores',
  key: tupleKey(numberKey(), stringKey()),
  value: json<{ points: number }>(),
});
const names = defineNamespace({ name: 'names', key: stringKey(), value: json<string>() });
const byNumber = defineNamespace({ name: 'byNumber', key: numberKey(), value: json<string>() });

interface Score {
  points: number;
}

@Injectable()
class Scores {
  runs = 0;
  /** What the methods find as they run. */
  seen: unknown;
  look: () => Promise<unknown> = async () => undefined;

  @CachePut(scores, { key: (chat: number, user: string) => [chat, user], ttlMs: 5000 })
  async save(_chat: number, _user: string, points: number): Promise<Score | undefined> {
    this.runs += 1;
    if (points === 0) return undefined;
    if (points < 0) throw new Error('below zero');
    return { points };
  }

  @CachePut(names, { keyOfResult: (name: string, length: number) => name.slice(0, length) })
  async register(length: number, prefix: string): Promise<string> {
    this.runs += 1;
    return `${prefix}-${length}`;
  }

  @CacheEvict(scores, { key: (chat: number, user: string) => [chat, user] })
  async forget(_chat: number, _user: string, how?: string): Promise<string> {
    this.runs += 1;
    this.seen = await this.look();
    if (how === 'badly') throw new Error('not now');
    return 'forgotten';
  }

  @CacheEvict(scores, { prefix: (chat: number) => [chat] })
  async forgetChat(_chat: number): Promise<void> {
    this.seen = await this.look();
  }

  @CacheEvict(names, { prefix: (prefix: string) => prefix })
  async forgetNames(_prefix: string): Promise<void> {}

  @CacheEvict(scores, { all: true })
  async forgetAll(): Promise<void> {
    this.seen = await this.look();
  }

  @CacheEvict(scores, { key: (chat: number, user: string) => [chat, user], before: true })
  async replace(_chat: number, _user: string): Promise<void> {
    this.runs += 1;
    this.seen = await this.look();
    throw new Error('all the same');
  }

  @CacheEvict(scores, { all: true })
  @CachePut(names, { key: (name: string) => name })
  @CacheEvict(byNumber, { key: (_name: string, id: number) => id })
  async several(name: string, _id: number): Promise<string> {
    return name.toUpperCase();
  }

  @Cached(names, { key: (name: string) => name })
  async slowly(name: string, wait: Promise<void>): Promise<string> {
    this.runs += 1;
    await wait;
    return `${name} of old`;
  }

  @CacheEvict(names, { key: (name: string) => name })
  async rename(_name: string): Promise<void> {}
}

let app: Awaited<ReturnType<typeof startApp>>;
let service: Scores;
let cache: CacheService;
let entries: NamespaceCache<readonly [number, string], Score>;

beforeEach(async () => {
  class ScoresModule {}
  app = await startApp([
    CacheTestingModule.forRoot({ namespaces: [scores, names, byNumber], chatNamespaces: false }),
    { module: ScoresModule, providers: [Scores] },
  ]);
  service = app.get(Scores);
  cache = app.get(CacheService);
  entries = cache.namespace(scores);
});

afterEach(() => app.close());

describe('a method decorated with @CachePut', () => {
  it('always runs, and its result is stored over what there is', async () => {
    expect(await service.save(1, 'ada', 5)).toEqual({ points: 5 });
    expect(await service.save(1, 'ada', 6)).toEqual({ points: 6 });
    expect(await entries.get([1, 'ada'])).toEqual({ points: 6 });
    expect(await entries.ttl([1, 'ada'])).toBe(5000);
    expect(service.runs).toBe(2);
  });

  it('resolves when the write is acknowledged: after a crash it is there', async () => {
    await service.save(1, 'ada', 5);
    await app.get(CacheTesting).restart();
    expect(await entries.get([1, 'ada'])).toEqual({ points: 5 });
  });

  it('rejects where its result can not be stored, and has run then', async () => {
    const { storage, clock } = app.get(CacheTesting);
    storage.failWrites(Infinity);
    await expect(clock.advanceUntil(service.save(1, 'ada', 5))).rejects.toThrow(errorWith('WRITE_FAILED'));
    expect(service.runs).toBe(1);
    storage.heal();
  });

  it('stores neither undefined nor anything where it throws, and leaves the entry there is', async () => {
    await service.save(1, 'ada', 5);
    expect(await service.save(1, 'ada', 0)).toBeUndefined();
    await expect(service.save(1, 'ada', -1)).rejects.toThrow('below zero');
    expect(await entries.get([1, 'ada'])).toEqual({ points: 5 });
  });

  it('refuses a bad key before it runs', async () => {
    await expect(service.save(NaN, 'ada', 5)).rejects.toThrow(errorWith('INVALID_KEY'));
    expect(service.runs).toBe(0);
  });

  it('finds its key in its result, too', async () => {
    expect(await service.register(2, 'ada')).toBe('ada-2');
    expect(await cache.namespace(names).get('ad')).toBe('ada-2');
    await expect(service.register(0, 'ada')).rejects.toThrow(errorWith('INVALID_KEY'));
    expect(service.runs).toBe(2);
  });
});

describe('a method decorated with @CacheEvict', () => {
  beforeEach(async () => {
    await entries.setMany([
      [[1, 'ada'], { points: 1 }],
      [[1, 'bob'], { points: 2 }],
      [[12, 'ada'], { points: 3 }],
    ]);
  });

  it('removes the entry of a key once it has run', async () => {
    service.look = () => entries.has([1, 'ada']);
    expect(await service.forget(1, 'ada')).toBe('forgotten');
    expect(service.seen).toBe(true);
    expect(await entries.count()).toBe(2);
    expect(await entries.has([1, 'ada'])).toBe(false);
  });

  it('removes nothing where it throws', async () => {
    await expect(service.forget(1, 'ada', 'badly')).rejects.toThrow('not now');
    expect(await entries.count()).toBe(3);
  });

  it('removes every entry of a prefix', async () => {
    service.look = () => entries.count();
    await service.forgetChat(1);
    expect(service.seen).toBe(3);
    expect(await entries.get([12, 'ada'])).toEqual({ points: 3 });
    expect(await entries.count()).toBe(1);
    await cache.namespace(names).setMany([
      ['ada', 'a'],
      ['adam', 'b'],
      ['bob', 'c'],
    ]);
    await service.forgetNames('ada');
    expect(await cache.namespace(names).count()).toBe(1);
  });

  it('removes everything', async () => {
    service.look = () => entries.count();
    await service.forgetAll();
    expect(service.seen).toBe(3);
    expect(await entries.count()).toBe(0);
  });

  it('removes before it runs where it says so, whether it throws or not', async () => {
    service.look = () => entries.has([1, 'ada']);
    await expect(service.replace(1, 'ada')).rejects.toThrow('all the same');
    expect(service.seen).toBe(false);
    expect(await entries.count()).toBe(2);
  });

  it('does not run where what comes before it fails', async () => {
    const { storage, clock } = app.get(CacheTesting);
    storage.failWrites(Infinity);
    const call = service.replace(1, 'ada');
    await expect(clock.advanceUntil(call)).rejects.toThrow(errorWith('WRITE_FAILED'));
    expect(service.runs).toBe(0);
    storage.heal();
  });

  it('refuses a bad key or prefix before it runs', async () => {
    await expect(service.forget(1.5, 7 as never)).rejects.toThrow(errorWith('INVALID_KEY'));
    await expect(service.forgetChat('1' as never)).rejects.toThrow(errorWith('INVALID_KEY'));
    expect([service.runs, service.seen]).toEqual([0, undefined]);
    expect(await entries.count()).toBe(3);
  });

  it('is not undone by a @Cached method that had begun before it', async () => {
    const gate = new Gate();
    const old = service.slowly('ada', gate.opened);
    await expect.poll(() => service.runs).toBe(1);
    await service.rename('ada');
    gate.open();
    expect(await old).toBe('ada of old');
    expect(await cache.namespace(names).has('ada')).toBe(false);
  });

  it('may be decorated more than once, and all of it happens', async () => {
    await cache.namespace(byNumber).set(7, 'old');
    expect(await service.several('ada', 7)).toBe('ADA');
    expect(await cache.namespace(names).get('ada')).toBe('ADA');
    expect(await cache.namespace(byNumber).has(7)).toBe(false);
    expect(await entries.count()).toBe(0);
  });
});

describe('a call that nobody awaits', () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => {
    unhandled.push(error);
  };
  let listeners: NodeJS.UnhandledRejectionListener[];

  beforeEach(() => {
    unhandled.length = 0;
    listeners = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', note);
  });

  afterEach(() => {
    process.off('unhandledRejection', note);
    for (const listener of listeners) process.on('unhandledRejection', listener);
  });

  /** Node reports what has no handler before it turns to this. */
  const reported = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('does not end the process where the write of the cache fails, whatever is decorated on top', async () => {
    const { storage, clock } = app.get(CacheTesting);
    await cache.namespace(byNumber).set(7, 'old');
    await entries.set([1, 'ada'], { points: 1 });
    storage.failWrites(Infinity);
    void service.forget(1, 'ada');
    void service.forgetChat(1);
    void service.save(2, 'ada', 5);
    void service.several('ada', 7);
    const rejected = async (): Promise<number> => {
      await clock.advance(10_000);
      return cache.namespace(byNumber).stats().rejected + cache.namespace(scores).stats().rejected;
    };
    await expect.poll(rejected).toBe(4);
    await reported();
    expect(unhandled).toEqual([]);
    storage.heal();
  });

  it('is reported by Node where the method itself throws, as without a decorator', async () => {
    void service.forget(1, 'ada', 'badly');
    void service.save(1, 'ada', -1);
    await expect.poll(() => unhandled.length).toBe(2);
    expect(unhandled.map(String).toSorted()).toEqual(['Error: below zero', 'Error: not now']);
  });
});
