import { Inject, Injectable, Module, Scope, type DynamicModule } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import {
  CACHE_STORAGE,
  CacheModule,
  CacheService,
  CachePersistenceLevel,
  defineNamespace,
  getNamespaceToken,
  InjectNamespace,
  InMemoryStorage,
  json,
  stringKey,
  type CacheModuleOptions,
  type CacheOptions,
  type CacheOptionsFactory,
  type NamespaceCache,
} from '../../src/index.js';
import { InMemoryBackplane } from '../../src/testing/index.js';
import { standIn } from '../../src/testing/stand-in.js';
import { errorWith, namespaceOf, ON_CHANGE } from '../support/definitions.js';
import { NestLog, startApp } from '../support/nest-app.js';
import { tempFolder } from '../support/temp-folder.js';

interface Session {
  userId: number;
}

const sessions = defineNamespace({ name: 'sessions', key: stringKey(), value: json<Session>() });
const folder = tempFolder();
let files = 0;
const newStorage = (): CacheModuleOptions['storage'] => ({
  type: 'sqlite',
  database: join(folder, `${(files += 1)}.db`),
});

/** A storage with every method, which says that it is of this edition of the port. */
function branded(edition: unknown): object {
  const storage = new InMemoryStorage();
  return standIn<object>(() => storage, { [CACHE_STORAGE]: edition });
}

@Injectable()
class Visits {
  constructor(
    readonly cache: CacheService,
    @InjectNamespace(sessions) readonly entries: NamespaceCache<string, Session>,
  ) {}
}

@Injectable()
class Settings implements CacheOptionsFactory {
  createCacheOptions(): CacheOptions {
    return { storage: newStorage(), namespaces: [sessions] };
  }
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Module({ imports: [CacheModule.forFeature([sessions])], providers: [Visits], exports: [Visits] })
class VisitsModule {}

describe('CacheModule', () => {
  it('injects the service and declared namespaces by constructor', async () => {
    const app = await startApp([CacheModule.forRoot({ storage: newStorage() }), VisitsModule]);
    const visits = app.get(Visits);
    await visits.entries.set('a', { userId: 1 });
    expect(visits.cache.namespace(sessions)).toBe(visits.entries);
    expect(await visits.cache.namespace(sessions).get('a')).toEqual({ userId: 1 });
    await app.close();
  });

  it('works whichever of the root and the feature is imported first', async () => {
    const app = await startApp([VisitsModule, CacheModule.forRoot({ storage: newStorage() })]);
    await app.get(Visits).entries.set('a', { userId: 1 });
    await app.close();
  });

  it('injects namespaces that forRoot lists', async () => {
    @Module({ providers: [Visits] })
    class Plain {}
    const app = await startApp([
      CacheModule.forRoot({ storage: newStorage(), namespaces: [sessions] }),
      Plain,
    ]);
    expect(app.get(Visits).entries.definition).toBe(sessions);
    await app.close();
  });

  it.each([
    [
      'useFactory',
      { imports: [SettingsModule], inject: [Settings], useFactory: (s: Settings) => s.createCacheOptions() },
    ],
    ['an async useFactory', { useFactory: async () => ({ storage: newStorage(), namespaces: [sessions] }) }],
    ['useClass', { useClass: Settings }],
    ['useExisting', { imports: [SettingsModule], useExisting: Settings }],
  ])('takes its options from %s', async (_way, options) => {
    const app = await startApp([CacheModule.forRootAsync({ ...options, namespaces: [sessions] })]);
    await app.get(CacheService).namespace(sessions).set('a', { userId: 1 });
    expect(app.get(getNamespaceToken(sessions))).toBe(app.get(CacheService).namespace(sessions));
    await app.close();
  });

  it('is seen only where it is imported when it is not global', async () => {
    const cache = CacheModule.forRoot({ storage: newStorage(), isGlobal: false });
    @Injectable()
    class Needs {
      constructor(readonly service: CacheService) {}
    }
    @Module({ imports: [cache], providers: [Needs] })
    class One {}
    @Module({ imports: [cache, VisitsModule], providers: [Needs] })
    class Two {}
    @Module({ providers: [Needs] })
    class Without {}
    const feature = CacheModule.forFeature([sessions]);
    @Module({
      imports: [feature],
      providers: [{ provide: 'sessions', useExisting: getNamespaceToken(sessions) }],
    })
    class FeatureOnly {}
    // A start that fails at a part of the app may leave its database open.
    const other = CacheModule.forRoot({ storage: newStorage(), isGlobal: false });
    await expect(startApp([other, Without])).rejects.toThrow(/dependencies of the Needs/);
    const app = await startApp([One, FeatureOnly]);
    expect(app.get('sessions')).toBe(app.get(CacheService).namespace(sessions));
    await app.close();
    await expect(startApp([Two])).rejects.toThrow(/dependencies of the Visits/);
  });

  it('refuses a second forRoot in one application, and names the remedy', async () => {
    await expect(
      startApp([
        CacheModule.forRoot({ storage: newStorage() }),
        CacheModule.forRoot({ storage: newStorage() }),
      ]),
    ).rejects.toThrow(errorWith('DUPLICATE_MODULE'));
    await expect(
      startApp([
        CacheModule.forRoot({ storage: newStorage() }),
        CacheModule.forRootAsync({ useClass: Settings }),
      ]),
    ).rejects.toThrow(/forFeature/);
  });

  it('refuses two definitions with one name, and takes one definition any number of times', async () => {
    const other = defineNamespace({ name: 'sessions', key: stringKey(), value: json<string>() });
    await expect(
      startApp([
        CacheModule.forRoot({ storage: newStorage() }),
        VisitsModule,
        CacheModule.forFeature([other]),
      ]),
    ).rejects.toThrow(errorWith('DUPLICATE_NAMESPACE'));
    const app = await startApp([
      CacheModule.forRoot({ storage: newStorage(), namespaces: [sessions] }),
      VisitsModule,
      CacheModule.forFeature([sessions]),
    ]);
    await app.close();
  });

  it.each([
    [{ storag: {} }, /no option 'storag'/],
    [{ checkpointIntervalMs: 0 }, /checkpointIntervalMs/],
    [{ checkpointIntervalMs: 2 ** 31 }, /checkpointIntervalMs/],
    [{ shutdownTimeoutMs: '1s' }, /shutdownTimeoutMs/],
    [{ writeTimeoutMs: -1 }, /writeTimeoutMs/],
    [{ maxDirty: 0.5 }, /maxDirty/],
    [{ storage: 'data/cache.sqlite' }, /database: 'data\/cache.sqlite' \} for the path of a file/],
    [{ storage: null }, /'storage' must be TypeORM options/],
    [{ storage: [] }, /'storage' must be TypeORM options/],
    [{ storage: Promise.resolve({}) }, /'storage' is a promise: await it/],
    [
      { storage: { [CACHE_STORAGE]: 2, load() {}, purgeExpired() {} } },
      /'storage' is no complete CacheStorageAdapter: it lacks open\(\), close\(\), count\(\), read\(\)/,
    ],
    [{ storage: { load() {}, purgeExpired() {} } }, /'storage' does not say .* \[CACHE_STORAGE\] = 2/],
    [{ storage: branded(undefined) }, /edition 2 of the storage port: .* \[CACHE_STORAGE\] = 2 when it does/],
    [{ storage: branded(1) }, /edition 2 of the storage port/],
    [{ storage: branded(3) }, /edition 2 of the storage port/],
    [{ namespaces: sessions }, /namespaces/],
    [{ namespaces: [sessions, { ...sessions }] }, /not copies of it: that at index 1 is none/],
    [{ migrationsRun: 'no' }, /migrationsRun/],
    [{ synchronous: 'off' }, /synchronous/],
    [{ chatNamespaces: 1 }, /chatNamespaces/],
  ])('refuses the options %o where they are given', (options, message) => {
    expect(() => CacheModule.forRoot(options as never)).toThrow(errorWith('INVALID_OPTION'));
    expect(() => CacheModule.forRoot(options as never)).toThrow(message);
  });

  it('takes any object for a storage that says that it is one', async () => {
    const app = await startApp([
      CacheModule.forRoot({ storage: branded(2) as never, namespaces: [sessions] }),
    ]);
    const cache = app.get<NamespaceCache<string, Session>>(getNamespaceToken('sessions'));
    await cache.set('a', { userId: 1 });
    expect(await cache.refresh('a')).toEqual({ userId: 1 });
    await app.close();
  });

  it('shows nothing of an address that is given in the place of options', () => {
    const storage = 'postgres://bob:secret@host/db' as never;
    expect(() => CacheModule.forRoot({ storage })).toThrow(/url \} for an address/);
    expect(() => CacheModule.forRoot({ storage })).not.toThrow(/secret/);
  });

  it('refuses storages that can’t serve, at start, with the remedy', async () => {
    for (const [storage, remedy] of [
      [{ type: 'sqlite' }, /needs the path of its file/],
      [{ type: 'postgres', url: undefined }, /environment variable/],
      [{ type: 'postgres', url: 'postgres://h/db', poolSize: 1 }, /at least 2/],
      [{}, /needs a type/],
    ] as const) {
      const start = startApp([CacheModule.forRoot({ storage: storage as never })]);
      await expect(start).rejects.toThrow(errorWith('UNSUPPORTED_STORAGE'));
      await expect(start).rejects.toThrow(remedy);
    }
  });

  it('refuses bad options that a factory gives, at start', async () => {
    await expect(
      startApp([CacheModule.forRootAsync({ useFactory: () => ({ maxPendings: 1 }) as never })]),
    ).rejects.toThrow(errorWith('INVALID_OPTION'));
    expect(() => CacheModule.forRootAsync({})).toThrow(errorWith('INVALID_OPTION'));
    const misplaced = { useFactory: () => ({}), storage: newStorage() };
    expect(() => CacheModule.forRootAsync(misplaced)).toThrow(/no option 'storage'/);
    for (const options of [null, [], () => ({}), 'sqlite']) {
      expect(() => CacheModule.forRootAsync(options as never)).toThrow(errorWith('INVALID_OPTION'));
      expect(() => CacheModule.forRoot(options as never)).toThrow(errorWith('INVALID_OPTION'));
      await expect(
        startApp([CacheModule.forRootAsync({ useFactory: () => options as never })]),
      ).rejects.toThrow(errorWith('INVALID_OPTION'));
    }
  });

  it('tunes declared namespaces by name, and refuses a tuning that no namespace takes', async () => {
    const storage = newStorage();
    const app = await startApp([
      CacheModule.forRoot({
        storage,
        overrides: { sessions: { maxEntries: 7 }, chats: { persistence: CachePersistenceLevel.ON_CHANGE } },
      }),
      VisitsModule,
    ]);
    const stats = app.get(CacheService).getStats();
    expect(stats['sessions']?.maxSize).toBe(7);
    expect(stats['chats']?.persistenceLevel).toBe('on_change');
    await app.close();
    for (const name of ['chats', 'nobody']) {
      const mistaken = (changes: object) => () => CacheModule.forRoot({ overrides: { [name]: changes } });
      expect(mistaken({ maxEntry: 1 })).toThrow(errorWith('INVALID_OPTION'));
      expect(mistaken({ maxEntry: 1 })).toThrow(/maxEntry/);
      expect(mistaken({ maxEntries: 0 })).toThrow(/maxEntries/);
    }
  });

  it('leaves the namespaces of a chat bot out when asked to', async () => {
    const app = await startApp([CacheModule.forRoot({ storage: newStorage(), chatNamespaces: false })]);
    expect(Object.keys(app.get(CacheService).getStats())).toEqual([]);
    expect(() => app.get(CacheService).chats).toThrow(errorWith('UNKNOWN_NAMESPACE'));
    await app.close();
  });

  it('lists its namespaces in the order of their declaration, and says how it is', async () => {
    const own = namespaceOf(ON_CHANGE, { name: 'own' });
    const app = await startApp([
      CacheModule.forRoot({ storage: newStorage(), namespaces: [own] }),
      VisitsModule,
    ]);
    const cache = app.get(CacheService);
    await app.get(Visits).entries.set('a', { userId: 1 });
    const summaries = cache.namespaces();
    expect(summaries.map(({ name }) => name)).toEqual(['chats', 'chatUsers', 'users', 'own', 'sessions']);
    expect(summaries.at(-1)).toMatchObject({ persistenceLevel: ON_CHANGE, stats: { size: 1, written: 1 } });
    expect(await cache.health()).toMatchObject({ status: 'up', dirty: 0 });
    await app.close();
    expect(await cache.health()).toMatchObject({ status: 'down', reasons: ['The cache has been stopped.'] });
  });

  it('says which namespace is unknown, and what to do', async () => {
    const app = await startApp([CacheModule.forRoot({ storage: newStorage() })]);
    const service = app.get(CacheService);
    expect(() => service.namespace(sessions)).toThrow(/'sessions' is not declared.*forFeature/);
    await expect(service.clearNamespace('nobody')).rejects.toThrow(errorWith('UNKNOWN_NAMESPACE'));
    await expect(service.clearNamespace('__proto__')).rejects.toThrow(errorWith('UNKNOWN_NAMESPACE'));
    // What two files that import each other pass.
    await expect(service.clearNamespace(undefined as never)).rejects.toThrow(errorWith('UNKNOWN_NAMESPACE'));
    expect(() => getNamespaceToken(undefined as never)).toThrow(/import each other/);
    await app.close();
  });

  it('serves request-scoped consumers', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      constructor(@Inject(CacheService) readonly cache: CacheService) {}
    }
    @Module({ providers: [PerRequest] })
    class RequestModule {}
    const app = await startApp([CacheModule.forRoot({ storage: newStorage() }), RequestModule]);
    const [one, other] = await Promise.all([app.resolve(PerRequest), app.resolve(PerRequest)]);
    expect(one).not.toBe(other);
    expect(one.cache).toBe(other.cache);
    await app.close();
  });

  it('keeps two applications of one process apart', async () => {
    const [one, two] = await Promise.all([
      startApp([CacheModule.forRoot({ storage: newStorage() }), VisitsModule]),
      startApp([CacheModule.forRoot({ storage: newStorage() }), VisitsModule]),
    ]);
    await one.get(Visits).entries.set('a', { userId: 1 });
    expect(await two.get(Visits).entries.get('a')).toBeUndefined();
    await one.close();
    await two.get(Visits).entries.set('a', { userId: 2 });
    expect(await two.get(Visits).entries.get('a')).toEqual({ userId: 2 });
    await two.close();
  });

  it('works in a testing module that is compiled, used and closed without init', async () => {
    const storage = new InMemoryStorage();
    const module = await Test.createTestingModule({
      imports: [CacheModule.forRoot({ storage }), VisitsModule],
    }).compile();
    await module.get(Visits).entries.set('a', { userId: 1 });
    await module.get(CacheService).setChatSettings(1, { lang: 'de' });
    await module.close();
    expect(await storage.read('chats', ['1'])).toHaveLength(1);
  });

  it('lets a test replace a namespace by its token', async () => {
    const fake = { get: async () => ({ userId: 42 }) };
    const module = await Test.createTestingModule({
      imports: [CacheModule.forRoot({ storage: new InMemoryStorage() }), VisitsModule],
    })
      .overrideProvider(getNamespaceToken(sessions))
      .useValue(fake)
      .compile();
    expect(await module.get(Visits).entries.get('x')).toEqual({ userId: 42 });
    await module.close();
  });

  it('opens no database where a test replaces the service, and one for the namespaces that it does not', async () => {
    const storage = new InMemoryStorage();
    const open = vi.spyOn(storage, 'open');
    const fake = { getChatSettings: async () => ({ lang: 'fake' }) };
    const log = new NestLog();
    const compile = async (feature: DynamicModule[]): Promise<TestingModule> => {
      const module = await Test.createTestingModule({
        imports: [CacheModule.forRoot({ storage, overrides: { chats: {}, sessions: {} } }), ...feature],
      })
        .overrideProvider(CacheService)
        .useValue(fake)
        .setLogger(log)
        .compile();
      return module.init();
    };
    const without = await compile([]);
    expect(await without.get(CacheService).getChatSettings(1)).toEqual({ lang: 'fake' });
    await without.close();
    expect(open).not.toHaveBeenCalled();
    const withOne = await compile([CacheModule.forFeature([sessions])]);
    const entries: NamespaceCache<string, Session> = withOne.get(getNamespaceToken(sessions));
    await entries.set('a', { userId: 1 });
    await withOne.close();
    expect(open).toHaveBeenCalledOnce();
    expect(await storage.read('sessions', ['a'])).toHaveLength(1);
    expect(log.with("no namespace 'chats'")).toEqual([]);
  });

  it('opens the database before anyone is served, used or not', async () => {
    const storage = new InMemoryStorage();
    const open = vi.spyOn(storage, 'open');
    const app = await startApp([CacheModule.forRoot({ storage })]);
    expect(open).toHaveBeenCalledOnce();
    await app.close();
  });

  it('starts, serves and stops whatever the logger of the app does with its lines', async () => {
    class Throwing extends NestLog {
      override log(message: unknown, context?: unknown): void {
        if (context === 'Cache') throw new Error('the log is full');
        super.log(message);
      }
    }
    const storage = new InMemoryStorage();
    const app = await startApp([CacheModule.forRoot({ storage })], new Throwing());
    await app.get(CacheService).setChatSettings(1, { lang: 'de' });
    await app.close();
    expect(await storage.read('chats', ['1'])).toHaveLength(1);
  });

  it('logs one summary line at the start and one at the stop', async () => {
    const log = new NestLog();
    const storage = newStorage();
    const first = await startApp([CacheModule.forRoot({ storage })]);
    await first.get(CacheService).setUserData(1, 2, 'a', 1);
    await first.close();
    const app = await startApp([CacheModule.forRoot({ storage })], log);
    await app.get(CacheService).setChatSettings(1, {});
    await app.close();
    const [started, stopped, ...more] = log.lines.filter((line) => line.includes('Cache '));
    expect(started).toMatch(
      /Cache started on sqlite \/.*\.db, loaded in \d+ ms: chats \(ON_SHUTDOWN, 0 rows\), chatUsers \(ON_CHANGE, 1 row\), users \(MEMORY_ONLY\)\.$/,
    );
    expect(stopped).toMatch(/Cache stopped: 1 entry written in \d+ ms\.$/);
    expect(more).toEqual([]);
  });

  it('says at the start with how many instances it shares its database, and what carries their messages', async () => {
    const log = new NestLog();
    const [storage, carrier] = [new InMemoryStorage(), new InMemoryBackplane()];
    const options = { storage, instances: 'many', chatNamespaces: false, namespaces: [sessions] } as const;
    const first = await startApp([CacheModule.forRoot({ ...options, backplane: carrier.end() })], log);
    const second = await startApp([CacheModule.forRoot({ ...options, backplane: false })], log);
    await Promise.all([first.close(), second.close()]);
    expect(log.with('Cache started')).toEqual([
      expect.stringContaining("(instances: 'many', 1 seen, backplane memory), loaded in"),
      expect.stringContaining("(instances: 'many', 2 seen, no backplane), loaded in"),
    ]);
  });

  it('says at the stop that nothing was left to write, where that is so', async () => {
    const log = new NestLog();
    const app = await startApp([CacheModule.forRoot({ storage: newStorage() })], log);
    await app.get(CacheService).setUserData(1, 2, 'a', 1);
    await app.close();
    expect(log.with('Cache stopped: nothing was left to write.')).toHaveLength(1);
  });

  it('keeps the line of the start short, however many namespaces there are and wherever they are stored', async () => {
    const log = new NestLog();
    const namespaces = Array.from({ length: 30 }, (_, i) =>
      namespaceOf(ON_CHANGE, { name: i === 0 ? `line\nbreak${'y'.repeat(100)}` : `n${i}` }),
    );
    const storage = Object.assign(new InMemoryStorage(), { describe: () => 'x'.repeat(5000) });
    const app = await startApp([CacheModule.forRoot({ storage, namespaces, chatNamespaces: false })], log);
    const [line = ''] = log.with('Cache started');
    expect(line).toContain('n9 (ON_CHANGE, 0 rows) and 20 more.');
    expect(line).toMatch(/line breaky+… \(ON_CHANGE/);
    expect(line).not.toContain('\n');
    expect(line.length).toBeLessThan(600);
    await app.close();
  });

  it('starts without a database where nothing is persisted, and on a storage that can’t say where it is', async () => {
    const log = new NestLog();
    const storage = Object.assign(new InMemoryStorage(), {
      describe: () => {
        throw new Error('nowhere');
      },
    });
    const without = await startApp([CacheModule.forRoot({ chatNamespaces: false, storage })], log);
    await without.close();
    const nameless = await startApp([CacheModule.forRoot({ storage })], log);
    await nameless.close();
    expect(log.with('Cache started without a database: no namespaces.')).toHaveLength(1);
    expect(log.with('Cache started on its storage')).toHaveLength(1);
  });
});
