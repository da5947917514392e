import { forwardRef, Global, Inject, Injectable, Module } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import {
  CacheModule,
  CacheService,
  defineNamespace,
  getNamespaceToken,
  InMemoryStorage,
  json,
  stringKey,
  CachePersistenceLevel,
  type NamespaceCache,
} from '../../../src/index.js';
import { errorWith } from '../../support/definitions.js';
import { NestLog, startApp } from '../../support/nest-app.js';

const late = defineNamespace({
  name: 'late',
  key: stringKey(),
  value: json<number>(),
  persistence: CachePersistenceLevel.ON_SHUTDOWN,
});

@Injectable()
class Needs {
  constructor(@Inject(getNamespaceToken(late)) readonly entries: NamespaceCache<string, number>) {}
}

@Module({ imports: [CacheModule.forFeature([late])], providers: [Needs] })
class LateFeature {}

describe('a module that is loaded lazily', () => {
  it.each([
    ['forRoot', () => CacheModule.forRoot({ storage: new InMemoryStorage() })],
    [
      'forRootAsync',
      () => CacheModule.forRootAsync({ useFactory: () => ({ storage: new InMemoryStorage() }) }),
    ],
    [
      'a forRoot that is not global',
      () => CacheModule.forRoot({ storage: new InMemoryStorage(), isGlobal: false }),
    ],
  ])('can not bring the cache with it: %s is refused with the remedy', async (_way, root) => {
    const app = await startApp([]);
    const cache = root();
    @Module({ imports: [cache] })
    class Lazy {}
    for (const load of [() => Lazy, () => cache]) {
      await expect(app.get(LazyModuleLoader).load(load)).rejects.toThrow(errorWith('LAZY_MODULE'));
    }
    await expect(app.get(LazyModuleLoader).load(() => Lazy)).rejects.toThrow(/root module.*forFeature/);
    await app.close();
  });

  it('is not what any other module is taken for, however deep or global', async () => {
    const cache = CacheModule.forRoot({ storage: new InMemoryStorage(), isGlobal: false });
    @Global()
    @Module({ imports: [cache] })
    class Shared {}
    @Module({ imports: [forwardRef(() => Shared)] })
    class Deep {}
    @Module({ imports: [Deep] })
    class Deeper {}
    const app = await startApp([Deeper]);
    await app.get(CacheService).setChatSettings(1, { a: 1 });
    await app.close();
  });

  it('may import the cache that the application has already', async () => {
    const storage = new InMemoryStorage();
    const cache = CacheModule.forRoot({ storage, isGlobal: false });
    const app = await startApp([cache]);
    @Module({ imports: [cache] })
    class Lazy {}
    await app.get(LazyModuleLoader).load(() => Lazy);
    await app.get(CacheService).setChatSettings(1, { a: 1 });
    await app.close();
    expect(await storage.read('chats', ['1'])).toHaveLength(1);
  });

  it('declares namespaces of its own, with the overrides there are for them, and the stop writes them', async () => {
    const log = new NestLog();
    const storage = new InMemoryStorage();
    const overrides = { late: { maxEntries: 7 } };
    const app = await startApp([CacheModule.forRoot({ storage, overrides })], log);
    const feature = await app.get(LazyModuleLoader).load(() => LateFeature);
    const { entries } = feature.get(Needs);
    expect(entries.stats().maxSize).toBe(7);
    await entries.set('a', 1);
    await app.close();
    expect(await storage.read('late', ['a'])).toHaveLength(1);
  });

  it('is waited for by an override: one that nobody declares so far is warned of, for it may be mistyped', async () => {
    const log = new NestLog();
    const app = await startApp(
      [CacheModule.forRoot({ storage: new InMemoryStorage(), overrides: { lat: {}, chats: {} } })],
      log,
    );
    expect(log.with("overrides: no namespace 'lat' is declared so far")).toHaveLength(1);
    expect(log.with('overrides:')).toHaveLength(1);
    await app.close();
  });
});
