import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  CacheModule,
  CacheService,
  defineNamespace,
  getNamespaceToken,
  InjectNamespace,
  InMemoryStorage,
  json,
  stringKey,
  type NamespaceCache,
} from '../../../src/index.js';
import { CacheTesting, CacheTestingModule, StorageFault, TestClock } from '../../../src/testing/index.js';
import { errorWith, MEMORY_ONLY, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../../support/definitions.js';

const sessionsNamespace = defineNamespace({
  name: 'sessions',
  key: stringKey(),
  value: json<number>(),
  ttlMs: 60_000,
});
const countersNamespace = namespaceOf<number>(ON_SHUTDOWN);
const scratchNamespace = namespaceOf<number>(MEMORY_ONLY);

@Injectable()
class Visits {
  constructor(
    readonly cache: CacheService,
    @InjectNamespace(sessionsNamespace) readonly sessions: NamespaceCache<string, number>,
    @InjectNamespace(countersNamespace) readonly counters: NamespaceCache<string, number>,
    @InjectNamespace(scratchNamespace) readonly scratch: NamespaceCache<string, number>,
  ) {}
}

@Module({
  imports: [CacheModule.forFeature([countersNamespace, scratchNamespace])],
  providers: [Visits],
})
class VisitsModule {}

async function compile(cache: DynamicModule): Promise<TestingModule> {
  const module = await Test.createTestingModule({ imports: [cache, VisitsModule] }).compile();
  return module.init();
}

describe('CacheTestingModule', () => {
  let module: TestingModule;
  let visits: Visits;
  let testing: CacheTesting;

  beforeEach(async () => {
    module = await compile(CacheTestingModule.forRoot({ namespaces: [sessionsNamespace] }));
    visits = module.get(Visits);
    testing = module.get(CacheTesting);
  });

  afterEach(() => module.close());

  it('takes the place of CacheModule, and stores in memory', async () => {
    await visits.sessions.set('a', 1);
    expect(await visits.sessions.get('a')).toBe(1);
    expect(visits.cache.namespace(sessionsNamespace)).toBe(visits.sessions);
    expect(await testing.storage.read('sessions', ['a'])).toHaveLength(1);
    await visits.cache.setChatSettings(1, { lang: 'de' });
    expect(await visits.cache.getChatSettings(1)).toEqual({ lang: 'de' });
  });

  it('expires entries when the test lets time pass, and not before', async () => {
    await visits.sessions.set('a', 1);
    await testing.clock.advance(59_999);
    expect(await visits.sessions.get('a')).toBe(1);
    await testing.clock.advance(1);
    expect(await visits.sessions.get('a')).toBeUndefined();
  });

  it('makes the checkpoint when its time has come', async () => {
    await visits.counters.set('a', 1);
    expect(await testing.storage.read(countersNamespace.name, ['a'])).toEqual([]);
    await testing.clock.advance(30_000);
    expect(await testing.storage.read(countersNamespace.name, ['a'])).toHaveLength(1);
    expect(visits.counters.stats().dirty).toBe(0);
  });

  it('has writes tried again after a fault, and given up when it lasts', async () => {
    testing.storage.failWrites(3);
    await testing.clock.advanceUntil(visits.sessions.set('a', 1));
    testing.storage.failWrites(Infinity);
    await expect(testing.clock.advanceUntil(visits.sessions.set('a', 2))).rejects.toThrow(
      errorWith('WRITE_FAILED'),
    );
    expect(await visits.sessions.get('a')).toBe(1);
    testing.storage.heal();
    testing.storage.failWrites(1, new StorageFault('permanent'));
    await expect(visits.sessions.set('a', 3)).rejects.toThrow(errorWith('ENTRY_REFUSED'));
  });

  it('has writes tried again at the same times in every run, and at whole milliseconds', async () => {
    const timeOf = async ({ clock, storage }: CacheTesting, { sessions }: Visits): Promise<number> => {
      const before = clock.now();
      storage.failWrites(5);
      await clock.advanceUntil(sessions.set('a', 1));
      return clock.now() - before;
    };
    const time = await timeOf(testing, visits);
    const other = await compile(CacheTestingModule.forRoot({ namespaces: [sessionsNamespace] }));
    expect(await timeOf(other.get(CacheTesting), other.get(Visits))).toBe(time);
    await other.close();
    expect(Number.isInteger(time)).toBe(true);
  });

  it('restarts on the same rows: what is persisted comes back, what is in memory alone is gone', async () => {
    await visits.sessions.set('a', 1);
    await visits.counters.set('b', 2);
    await visits.scratch.set('c', 3);
    await visits.cache.setChatSettings(1, { lang: 'de' });
    const before = testing.clock.now();
    await testing.restart();
    expect(testing.clock.now()).toBe(before);
    expect(await visits.sessions.get('a')).toBe(1);
    expect(await visits.counters.get('b')).toBe(2);
    expect(await visits.scratch.get('c')).toBeUndefined();
    expect(await visits.cache.getChatSettings(1)).toEqual({ lang: 'de' });
    expect(visits.counters.stats().written).toBe(0);
    await visits.counters.update('b', (count = 0) => count + 1);
    await testing.restart();
    expect(await visits.counters.get('b')).toBe(3);
  });

  it('stamps rows after a restart as another process would', async () => {
    const stampOf = async (key: string): Promise<number | undefined> =>
      (await testing.storage.read('sessions', [key]))[0]?.stamp;
    await visits.sessions.set('a', 1);
    await testing.restart();
    await visits.sessions.set('b', 1);
    expect(await stampOf('b')).not.toBe(await stampOf('a'));
  });

  it('keeps the objects that were injected, and what a spy put in their place', async () => {
    const injected = module.get<NamespaceCache<string, number>>(getNamespaceToken(sessionsNamespace));
    const set = vi.spyOn(injected, 'set').mockRejectedValue(new Error('spied'));
    await testing.restart();
    expect(module.get(getNamespaceToken(sessionsNamespace))).toBe(injected);
    expect(visits.cache.namespace(sessionsNamespace)).toBe(injected);
    await expect(visits.sessions.set('a', 1)).rejects.toThrow('spied');
    set.mockRestore();
    await visits.sessions.set('a', 1);
    expect(await visits.sessions.get('a')).toBe(1);
    expect([...visits.sessions.keys()]).toEqual(['a']);
    expect(visits.sessions.definition).toBe(sessionsNamespace);
  });

  it('says which namespace is unknown, as the cache of an application does', () => {
    expect(() => visits.cache.namespace(namespaceOf(ON_CHANGE))).toThrow(errorWith('UNKNOWN_NAMESPACE'));
  });

  it('stops within the deadline where the storage hangs, in no real time, and loses what was not written', async () => {
    await visits.counters.set('a', 1);
    testing.storage.hang('writes');
    const before = testing.clock.now();
    await testing.restart();
    expect(testing.clock.now() - before).toBeLessThanOrEqual(8000);
    testing.storage.heal();
    expect(await visits.counters.get('a')).toBeUndefined();
  });

  it('says what is wrong where it cannot start again, and starts when that is mended', async () => {
    await visits.sessions.set('a', 1);
    testing.storage.failReads(Infinity);
    await expect(testing.restart()).rejects.toThrow(errorWith('READ_FAILED'));
    await expect(visits.sessions.set('a', 2)).rejects.toThrow(errorWith('CACHE_CLOSED'));
    testing.storage.heal();
    await testing.restart();
    expect(await visits.sessions.get('a')).toBe(1);
  });

  it('fails a restart on a storage that hangs, and says what to do', async () => {
    await visits.sessions.set('a', 1);
    testing.storage.hang();
    await expect(testing.restart()).rejects.toThrow(/Does the storage hang \(then heal\(\) it\)/);
    testing.storage.heal();
    await testing.restart();
    await visits.sessions.set('a', 2);
    expect(await visits.sessions.get('a')).toBe(2);
  });

  it('restarts once after the other, awaited or not', async () => {
    const stopped = vi.spyOn(testing.storage, 'close');
    await visits.counters.set('a', 1);
    await Promise.all([testing.restart(), testing.restart()]);
    expect(stopped).toHaveBeenCalledTimes(2);
    expect(await visits.counters.get('a')).toBe(1);
    // The checkpoint, if there is one engine, and one timer of each kind.
    const { timers } = testing.clock;
    await testing.restart();
    expect(testing.clock.timers).toBe(timers);
  });

  it('refuses to restart when the application is closed', async () => {
    await module.close();
    await expect(testing.restart()).rejects.toThrow(errorWith('CACHE_CLOSED'));
  });
});

describe('a testing module that is closed with a fault', () => {
  it.each(
    (['restart', 'close'] as const).flatMap((end) =>
      (['none', 'fails', 'hangs'] as const).map((fault) => [end, fault] as const),
    ),
  )('lets its time pass from outside: %s, while the storage has this fault: %s', async (end, fault) => {
    const module = await compile(CacheTestingModule.forRoot({ namespaces: [sessionsNamespace] }));
    const testing = module.get(CacheTesting);
    const { clock, storage } = testing;
    await module.get(Visits).counters.set('a', 1);
    if (fault === 'fails') storage.failWrites(Infinity);
    if (fault === 'hangs') storage.hang('writes');
    const before = clock.now();
    await clock.advanceUntil(end === 'close' ? module.close() : testing.restart());
    expect(clock.now() - before).toBeLessThanOrEqual(8000);
    storage.heal();
    const kept = await storage.read(countersNamespace.name, ['a']);
    expect(kept).toHaveLength(fault === 'none' ? 1 : 0);
    if (end === 'restart') await module.close();
  });

  it('ends, and leaves the exit code of the test runner alone', async () => {
    const code = process.exitCode;
    const module = await compile(CacheTestingModule.forRoot({ namespaces: [sessionsNamespace] }));
    await module.get(Visits).counters.set('a', 1);
    module.get(CacheTesting).storage.failWrites(Infinity);
    await module.close();
    expect(process.exitCode).toBe(code);
  });
});

describe('the options of CacheTestingModule', () => {
  it('are new rows and a new clock for each testing module that is compiled of one', async () => {
    const cache = CacheTestingModule.forRoot({ namespaces: [sessionsNamespace] });
    const one = await compile(cache);
    await one.get(Visits).sessions.set('a', 1);
    const other = await compile(cache);
    expect(await other.get(Visits).sessions.get('a')).toBeUndefined();
    expect(other.get(CacheTesting).clock).not.toBe(one.get(CacheTesting).clock);
    await one.close();
    await other.close();
  });

  it('take a storage and a clock that outlive the testing module', async () => {
    const storage = new InMemoryStorage();
    const clock = new TestClock();
    const options = { namespaces: [sessionsNamespace], storage, clock };
    const one = await compile(CacheTestingModule.forRoot(options));
    await one.get(Visits).sessions.set('a', 1);
    await one.close();
    const other = await compile(CacheTestingModule.forRoot(options));
    expect(await other.get(Visits).sessions.get('a')).toBe(1);
    await clock.advance(60_000);
    expect(await other.get(Visits).sessions.get('a')).toBeUndefined();
    await other.close();
  });

  it('are those of CacheModule besides', async () => {
    const options = {
      namespaces: [sessionsNamespace],
      overrides: { sessions: { ttlMs: 10 } },
      chatNamespaces: false,
    };
    const module = await compile(CacheTestingModule.forRoot(options));
    expect(Object.keys(module.get(CacheService).getStats()).toSorted()).toEqual([
      scratchNamespace.name,
      countersNamespace.name,
      'sessions',
    ]);
    await module.get(Visits).sessions.set('a', 1);
    await module.get(CacheTesting).clock.advance(10);
    expect(await module.get(Visits).sessions.get('a')).toBeUndefined();
    await module.get(CacheTesting).restart();
    expect(module.get(Visits).sessions.definition.ttlMs).toBe(10);
    await module.close();
  });

  it.each([
    [{ maxDirties: 1 }, /maxDirties/],
    [{ storage: { type: 'sqlite', database: 'x' } }, /'storage' must be an object that implements/],
    [{ clock: { now: () => 1, monotonic: () => 1, setTimer: () => 1, immediate: () => 1 } }, /a TestClock/],
    [{ clock: {} }, /'clock' must have the methods now/],
  ])('are refused where they are given: %o', (options, message) => {
    expect(() => CacheTestingModule.forRoot(options as never)).toThrow(errorWith('INVALID_OPTION'));
    expect(() => CacheTestingModule.forRoot(options as never)).toThrow(message);
  });
});
