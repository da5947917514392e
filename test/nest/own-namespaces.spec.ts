import { Inject, Injectable, Module } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import {
  CacheModule,
  CacheNamespace,
  CacheService,
  defineNamespace,
  getNamespaceToken,
  InMemoryStorage,
  InjectNamespace,
  json,
  stringKey,
  type CacheModuleOptions,
  type NamespaceCache,
} from '../../src/index.js';
import { errorWith, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { NestLog, startApp } from '../support/nest-app.js';

interface Person {
  name: string;
}

const users = defineNamespace({
  name: 'users',
  key: stringKey(),
  value: json<Person>(),
  persistence: ON_CHANGE,
});

@Injectable()
class People {
  constructor(
    @Inject(CacheService) readonly cache: CacheService,
    @InjectNamespace(users) readonly entries: NamespaceCache<string, Person>,
  ) {}
}

@Module({ imports: [CacheModule.forFeature([users])], providers: [People] })
class PeopleModule {}

const memory = (more: CacheModuleOptions = {}): CacheModuleOptions => ({
  storage: new InMemoryStorage(),
  ...more,
});

describe('a namespace of the application that has the name of a built-in one', () => {
  it.each([
    ['a feature module after the root', [CacheModule.forRoot(memory()), PeopleModule]],
    ['a feature module before it', [PeopleModule, CacheModule.forRoot(memory())]],
    ['forRoot', [CacheModule.forRoot(memory({ namespaces: [users] })), PeopleModule]],
    [
      'the factory of forRootAsync',
      [CacheModule.forRootAsync({ useFactory: () => memory({ namespaces: [users] }) }), PeopleModule],
    ],
    [
      'forRootAsync',
      [CacheModule.forRootAsync({ useFactory: () => memory(), namespaces: [users] }), PeopleModule],
    ],
  ])('takes its place when %s declares it', async (_where, imports) => {
    const app = await startApp([...imports]);
    const cache = app.get(CacheService);
    const entries: NamespaceCache<string, Person> = cache.namespace(users);
    await entries.set('ada', { name: 'Ada' });
    expect(await entries.get('ada')).toEqual({ name: 'Ada' });
    expect(cache.getStats()['users']?.persistenceLevel).toBe(ON_CHANGE);
    expect(() => cache.users).toThrow(errorWith('UNKNOWN_NAMESPACE'));
    for (const needsIt of [
      () => cache.getUserState(1, 'a'),
      () => cache.setUserState(1, 'a', 1),
      () => cache.clearUserState(1),
    ]) {
      expect(needsIt).toThrow(errorWith('UNKNOWN_NAMESPACE'));
      expect(needsIt).toThrow(/a namespace 'users' of its own.*@InjectNamespace/);
    }
    await cache.setUserData(1, 2, 'a', 1);
    await cache.setChatInfo(1, { title: 'Others go on' });
    expect(await cache.getChatInfo(1)).toEqual({ title: 'Others go on' });
    await app.close();
  });

  it('leaves every method that does not need the others alone, whichever it is', async () => {
    for (const name of Object.values<string>(CacheNamespace)) {
      const own = namespaceOf(ON_SHUTDOWN, { name });
      const app = await startApp([CacheModule.forRoot(memory()), CacheModule.forFeature([own])]);
      const cache = app.get(CacheService);
      const calls = {
        chats: [() => cache.getChatSettings(1), () => cache.setChatInfo(1, {}), async () => cache.chats],
        chatUsers: [() => cache.getUserData(1, 2), () => cache.setUserData(1, 2, 'a', 1)],
        users: [async () => cache.getUserState(1, 'a'), async () => cache.users],
      };
      for (const [needed, methods] of Object.entries(calls)) {
        for (const method of methods) {
          const outcome = await method().then(
            () => 'fine',
            (error: { code?: string }) => error.code,
          );
          expect(outcome, `${name}, ${needed}`).toBe(needed === name ? 'UNKNOWN_NAMESPACE' : 'fine');
        }
      }
      await app.close();
    }
  });

  it('is what overrides tune, without a word that nobody declares it', async () => {
    const log = new NestLog();
    const root = CacheModule.forRoot(memory({ overrides: { users: { maxEntries: 7 } } }));
    const app = await startApp([root, PeopleModule], log);
    expect(app.get(CacheService).getStats()['users']).toMatchObject({
      maxSize: 7,
      persistenceLevel: ON_CHANGE,
    });
    expect(log.with('overrides:')).toEqual([]);
    await app.close();
  });

  it('takes the place also where a test puts something of its own behind its token', async () => {
    const fake = { get: async () => ({ name: 'Fake' }) };
    const module = await Test.createTestingModule({ imports: [CacheModule.forRoot(memory()), PeopleModule] })
      .overrideProvider(getNamespaceToken(users))
      .useValue(fake)
      .compile();
    expect(await module.get(People).entries.get('x')).toEqual({ name: 'Fake' });
    expect(Object.keys(module.get(CacheService).getStats())).toEqual(['chats', 'chatUsers']);
    expect(() => module.get(CacheService).users).toThrow(errorWith('UNKNOWN_NAMESPACE'));
    await module.close();
  });

  it('comes too late in a module that is loaded lazily, and is refused with the remedy', async () => {
    const app = await startApp([CacheModule.forRoot(memory())]);
    const load = app.get(LazyModuleLoader).load(() => PeopleModule);
    await expect(load).rejects.toThrow(errorWith('DUPLICATE_NAMESPACE'));
    await expect(load).rejects.toThrow(/loaded lazily.*forRoot\(\{ namespaces/);
    app.get(CacheService).setUserState(1, 'a', 1);
    expect(app.get(CacheService).getUserState(1, 'a')).toBe(1);
    await app.close();
  });

  it.each([
    ['the root declares it too', { namespaces: [users] }],
    ['there are no built-in ones', { chatNamespaces: false }],
  ])('works in such a module where %s', async (_where, options) => {
    const app = await startApp([CacheModule.forRoot(memory(options))]);
    const feature = await app.get(LazyModuleLoader).load(() => PeopleModule);
    await feature.get(People).entries.set('ada', { name: 'Ada' });
    await app.close();
  });

  it('is refused where two of the application’s own share the name', async () => {
    const other = namespaceOf(ON_CHANGE, { name: 'users' });
    const imports = [CacheModule.forRoot(memory()), PeopleModule, CacheModule.forFeature([other])];
    await expect(startApp(imports)).rejects.toThrow(errorWith('DUPLICATE_NAMESPACE'));
  });
});
