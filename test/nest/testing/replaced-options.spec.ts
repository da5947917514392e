import { Inject, Injectable, Module, type DynamicModule, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  CACHE_OPTIONS,
  CacheModule,
  CacheService,
  defineNamespace,
  InjectNamespace,
  InMemoryStorage,
  json,
  stringKey,
  type CacheOptions,
  type NamespaceCache,
} from '../../../src/index.js';
import { CacheTesting, CacheTestingModule, FaultyStorage, TestClock } from '../../../src/testing/index.js';
import { errorWith, ON_SHUTDOWN } from '../../support/definitions.js';
import { NestLog, startApp } from '../../support/nest-app.js';
import { tempFolder } from '../../support/temp-folder.js';

const sessionsNamespace = defineNamespace({
  name: 'sessions',
  key: stringKey(),
  value: json<number>(),
  ttlMs: 1000,
});
const pagesNamespace = defineNamespace({ name: 'pages', key: stringKey(), value: json<string>() });

@Injectable()
class Visits {
  constructor(
    readonly cache: CacheService,
    @InjectNamespace(sessionsNamespace) readonly sessions: NamespaceCache<string, number>,
    @InjectNamespace(pagesNamespace) readonly pages: NamespaceCache<string, string>,
  ) {}
}

@Module({ imports: [CacheModule.forFeature([pagesNamespace])], providers: [Visits] })
class VisitsModule {}

@Injectable()
class NeedsService {
  constructor(@Inject(CacheService) readonly cache: CacheService) {}
}

const folder = tempFolder();
let files = 0;

/** An application that keeps its cache in a file, and where that is. */
function application(
  cacheOf: (options: CacheOptions) => DynamicModule = (options) =>
    CacheModule.forRoot({ ...options, chatNamespaces: false, namespaces: [sessionsNamespace] }),
): { appModule: Type; cache: DynamicModule; database: string } {
  const database = join(folder, `${(files += 1)}.sqlite`);
  const cache = cacheOf({ storage: { type: 'better-sqlite3', database } });
  @Module({ imports: [cache, VisitsModule] })
  class AppModule {}
  return { appModule: AppModule, cache, database };
}

describe('options in the place of those of an application', () => {
  it.each([
    ['forRoot', undefined],
    [
      'forRootAsync',
      (options: CacheOptions) =>
        CacheModule.forRootAsync({
          useFactory: () => {
            throw new Error(`asked for ${JSON.stringify(options)}`);
          },
          namespaces: [sessionsNamespace],
        }),
    ],
  ])('leave no file behind, and the namespaces of %s as they are', async (_way, cacheOf) => {
    const { appModule, database } = application(cacheOf);
    const storage = new InMemoryStorage();
    const module = await Test.createTestingModule({ imports: [appModule] })
      .overrideProvider(CACHE_OPTIONS)
      .useValue({ storage })
      .compile();
    await module.init();
    const visits = module.get(Visits);
    await visits.sessions.set('a', 1);
    await visits.pages.set('b', 'x');
    expect(visits.cache.namespace(sessionsNamespace)).toBe(visits.sessions);
    await module.close();
    expect(await storage.read('sessions', ['a'])).toHaveLength(1);
    expect(await storage.read('pages', ['b'])).toHaveLength(1);
    expect(existsSync(database)).toBe(false);
  });

  it('declare no namespaces of a chat bot where forRoot does not, unless they say so', async () => {
    const { appModule } = application();
    const declared = async (options: CacheOptions): Promise<string[]> => {
      const module = await Test.createTestingModule({ imports: [appModule] })
        .overrideProvider(CACHE_OPTIONS)
        .useValue(options)
        .compile();
      const names = Object.keys(module.get(CacheService).getStats());
      await module.close();
      return names.toSorted();
    };
    expect(await declared({ storage: new InMemoryStorage() })).toEqual(['pages', 'sessions']);
    expect(await declared({ storage: new InMemoryStorage(), chatNamespaces: true })).toContain('chats');
  });

  it('may bring a clock', async () => {
    const { appModule } = application();
    const clock = new TestClock();
    const module = await Test.createTestingModule({ imports: [appModule] })
      .overrideProvider(CACHE_OPTIONS)
      .useValue({ storage: new InMemoryStorage(), clock })
      .compile();
    const visits = module.get(Visits);
    await visits.sessions.set('a', 1);
    await clock.advance(999);
    expect(await visits.sessions.get('a')).toBe(1);
    await clock.advance(1);
    expect(await visits.sessions.get('a')).toBeUndefined();
    await module.close();
  });

  it('may bring a clock and a storage that fails', async () => {
    const { appModule } = application();
    const clock = new TestClock();
    const storage = new FaultyStorage(new InMemoryStorage(), clock);
    const module = await Test.createTestingModule({ imports: [appModule] })
      .overrideProvider(CACHE_OPTIONS)
      .useValue({ storage, clock })
      .compile();
    const { pages } = module.get(Visits);
    storage.failWrites(2);
    await clock.advanceUntil(pages.set('a', 'x'));
    storage.failWrites(Infinity);
    await expect(clock.advanceUntil(pages.set('a', 'y'))).rejects.toThrow(errorWith('WRITE_FAILED'));
    expect(await pages.get('a')).toBe('x');
    await clock.advanceUntil(module.close());
  });

  it.each(['failWrites', 'hang'] as const)('stop on a clock of theirs, after %s', async (fault) => {
    const { appModule } = application();
    const clock = new TestClock();
    const storage = new FaultyStorage(new InMemoryStorage(), clock);
    const module = await Test.createTestingModule({ imports: [appModule] })
      .overrideProvider(CACHE_OPTIONS)
      .useValue({ storage, clock, overrides: { pages: { persistence: ON_SHUTDOWN } } })
      .setLogger(new NestLog())
      .compile();
    const app = await module.createNestApplication().init();
    const code = process.exitCode;
    await module.get(Visits).pages.set('a', 'x');
    if (fault === 'hang') storage.hang();
    else storage.failWrites(Infinity);
    await clock.advanceUntil(app.close());
    expect(clock.now()).toBeLessThanOrEqual(new TestClock().now() + 8000);
    expect(clock.timers).toBe(0);
    process.exitCode = code;
  });

  it.each([
    [{ storag: 1 }, /no option 'storag'/],
    [null, /must be an object/],
    [{ clock: { jitter: 0.5 } }, /'clock' must have a method for 'jitter', or none/],
    [{ clock: { now: () => 1 } }, /'clock' must have the methods now, monotonic, setTimer, immediate/],
  ])('are checked like those: %o', async (options, message) => {
    const compiled = Test.createTestingModule({ imports: [application().appModule] })
      .overrideProvider(CACHE_OPTIONS)
      .useValue(options)
      .compile();
    await expect(compiled).rejects.toThrow(errorWith('INVALID_OPTION'));
    await expect(compiled).rejects.toThrow(message);
  });
});

describe('CacheTestingModule in the wrong place', () => {
  it('is told beside the cache of an application, with both ways to replace that', async () => {
    const { appModule, database } = application();
    const compiled = Test.createTestingModule({
      imports: [CacheTestingModule.forRoot(), appModule],
    }).compile();
    await expect(compiled).rejects.toThrow(errorWith('DUPLICATE_MODULE'));
    await expect(compiled).rejects.toThrow(
      /overrideProvider\(CACHE_OPTIONS\).*useModule\(CacheTestingModule/,
    );
    expect(existsSync(database)).toBe(false);
  });

  it.each([
    ['alone', []],
    ['beside what injects the service', [], [NeedsService]],
    ['beside what declares namespaces', [CacheModule.forFeature([pagesNamespace])]],
  ])(
    'is told where it is imported without forRoot(), %s',
    async (_where, imports, providers: Type[] = []) => {
      const compiled = Test.createTestingModule({
        imports: [CacheTestingModule, ...imports],
        providers,
      }).compile();
      await expect(compiled).rejects.toThrow(errorWith('MISSING_MODULE'));
      await expect(compiled).rejects.toThrow(/CacheTestingModule\.forRoot\(\)/);
    },
  );
});

describe('a module in the place of the cache of an application', () => {
  it('is CacheTestingModule, put in the place of the very module that is imported', async () => {
    const { appModule, cache, database } = application();
    const module = await Test.createTestingModule({ imports: [appModule] })
      .overrideModule(cache)
      .useModule(CacheTestingModule.forRoot({ namespaces: [sessionsNamespace] }))
      .compile();
    await module.init();
    const { sessions: entries } = module.get(Visits);
    await entries.set('a', 1);
    await module.get(CacheTesting).restart();
    expect(await entries.get('a')).toBe(1);
    await module.get(CacheTesting).clock.advance(1000);
    expect(await entries.get('a')).toBeUndefined();
    await module.close();
    expect(existsSync(database)).toBe(false);
  });

  it('is refused with the remedy where it is put in the place of the class: Nest would not replace anything', async () => {
    const { appModule, database } = application();
    const compiled = Test.createTestingModule({ imports: [appModule] })
      .overrideModule(CacheModule)
      .useModule(CacheTestingModule.forRoot({ namespaces: [sessionsNamespace] }))
      .compile();
    await expect(compiled).rejects.toThrow(errorWith('MODULE_NOT_REPLACED'));
    await expect(compiled).rejects.toThrow(/overrideProvider\(CACHE_OPTIONS\)/);
    expect(existsSync(database)).toBe(false);
  });

  it('is refused likewise where it is put in the place of what another call of forRoot gave', async () => {
    const { appModule, database } = application();
    const compiled = Test.createTestingModule({ imports: [appModule] })
      .overrideModule(CacheModule.forRoot())
      .useModule(CacheTestingModule.forRoot({ namespaces: [sessionsNamespace] }))
      .compile();
    await expect(compiled).rejects.toThrow(errorWith('MODULE_NOT_REPLACED'));
    await expect(compiled).rejects.toThrow(/the same constant, not another forRoot\(\) call/);
    expect(existsSync(database)).toBe(false);
  });
});

describe('the clock of an application', () => {
  it('may be another one there, too', async () => {
    const clock = new TestClock();
    const app = await startApp(
      [
        CacheModule.forRoot({
          storage: new InMemoryStorage(),
          namespaces: [sessionsNamespace, pagesNamespace],
          clock,
        }),
      ],
      new NestLog(),
    );
    const entries = app.get(CacheService).namespace(sessionsNamespace);
    await entries.set('a', 1);
    await clock.advance(1000);
    expect(await entries.get('a')).toBeUndefined();
    await app.close();
  });
});
