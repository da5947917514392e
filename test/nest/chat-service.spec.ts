import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { INestApplicationContext } from '@nestjs/common';
import {
  CacheModule,
  CacheNamespace,
  CachePersistenceLevel,
  CacheService,
  getPersistenceLevel,
  InMemoryStorage,
  type CacheModuleOptions,
} from '../../src/index.js';
import { errorWith } from '../support/definitions.js';
import { startApp } from '../support/nest-app.js';

describe('CacheService for a chat bot', () => {
  let storage: InMemoryStorage;
  let app: INestApplicationContext;
  let cache: CacheService;

  async function start(options: CacheModuleOptions = {}): Promise<void> {
    app = await startApp([CacheModule.forRoot({ storage, ...options })]);
    cache = app.get(CacheService);
  }

  async function restart(options?: CacheModuleOptions): Promise<void> {
    await app.close();
    await start(options);
  }

  beforeEach(async () => {
    storage = new InMemoryStorage();
    await start();
  });

  afterEach(() => app.close());

  it('answers with nothing of the kind where nothing is known', async () => {
    expect(await cache.getChatSettings(1)).toEqual({});
    expect(await cache.getChatInfo(1)).toBeUndefined();
    expect(await cache.getUserData(1, 2)).toEqual({});
    expect(cache.getUserState(2, 'step')).toBeUndefined();
    expect(cache.getUserState(2, 'step', 'none')).toBe('none');
  });

  it('keeps settings when info is set, and info when settings are', async () => {
    await Promise.all([
      cache.setChatSettings(-1001234567890, { lang: 'de' }),
      cache.setChatInfo(-1001234567890, { title: 'Group', type: 'supergroup' }),
    ]);
    await cache.setChatSettings(-1001234567890, { lang: 'en' });
    await restart();
    expect(await cache.getChatSettings(-1001234567890)).toEqual({ lang: 'en' });
    expect(await cache.getChatInfo(-1001234567890)).toEqual({ title: 'Group', type: 'supergroup' });
  });

  it('sets one field of user data without touching the others, however the calls overlap', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, i) => cache.setUserData(1, 2, `field ${i}`, i)));
    await restart();
    expect(Object.keys(await cache.getUserData(1, 2))).toHaveLength(50);
    expect(await storage.read('chatUsers', ['1:2'])).toHaveLength(1);
  });

  it('holds user state in memory, at once, and forgets it at a restart', async () => {
    cache.setUserState(2, 'step', { name: 'ask' });
    cache.setUserState(2, 'count', 1);
    expect(cache.getUserState(2, 'step')).toEqual({ name: 'ask' });
    cache.clearUserState(2, 'step');
    expect(cache.getUserState(2, 'step', 'none')).toBe('none');
    expect(cache.getUserState(2, 'count')).toBe(1);
    cache.clearUserState(2);
    expect(cache.getUserState(2, 'count')).toBeUndefined();
    cache.setUserState(3, 'step', 1);
    cache.clearUserState(3, 'step');
    cache.clearUserState(4, 'step');
    expect(cache.users.size).toBe(0);
    cache.setUserState(2, 'step', 1);
    await restart();
    expect(cache.getUserState(2, 'step')).toBeUndefined();
  });

  it('persists user state too when its level says so, fields of an evicted user included', async () => {
    const overrides = { users: { persistence: CachePersistenceLevel.ON_SHUTDOWN, maxEntries: 1 } };
    await restart({ overrides });
    cache.setUserState(1, 'a', 1);
    cache.setUserState(2, 'a', 2);
    await cache.persistAll();
    cache.setUserState(1, 'b', 1);
    cache.clearUserState(2, 'a');
    await restart({ overrides });
    expect(await cache.users.get(1)).toEqual({ a: 1, b: 1 });
    expect(await cache.users.get(2)).toEqual({});
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'treats %s as a name like any other',
    async (name) => {
      expect(cache.getUserState(1, name, 'none')).toBe('none');
      cache.setUserState(1, name, 'state');
      await cache.setUserData(1, 1, name, 'data');
      expect(cache.getUserState(1, name)).toBe('state');
      expect(Object.getOwnPropertyDescriptor(await cache.getUserData(1, 1), name)?.value).toBe('data');
      await restart();
      const data = await cache.getUserData(1, 1);
      expect(Object.getOwnPropertyDescriptor(data, name)?.value).toBe('data');
      expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
      cache.clearUserState(1, name);
      expect(cache.getUserState(1, name, 'none')).toBe('none');
    },
  );

  it('refuses bad input where it is given', async () => {
    await expect(cache.setChatSettings(NaN, {})).rejects.toThrow(errorWith('INVALID_KEY'));
    await expect(cache.setChatSettings(1, 'x' as never)).rejects.toThrow(errorWith('INVALID_VALUE'));
    await expect(cache.setChatInfo(1, [] as never)).rejects.toThrow(errorWith('INVALID_VALUE'));
    await expect(cache.setUserData(1, 2 ** 60, 'a', 1)).rejects.toThrow(errorWith('INVALID_KEY'));
    await expect(cache.setUserData(1, 2, 'a', undefined)).rejects.toThrow(errorWith('INVALID_VALUE'));
    await expect(cache.setUserData(1, 2, '', 1)).rejects.toThrow(errorWith('INVALID_KEY'));
    await expect(cache.setUserData(1, 2, 'a', 1n)).rejects.toThrow(errorWith('INVALID_VALUE'));
    expect(() => cache.setUserState('1' as never, 'a', 1)).toThrow(errorWith('INVALID_KEY'));
    expect(() => cache.setUserState(1, '', 1)).toThrow(errorWith('INVALID_KEY'));
    expect(() => cache.clearUserState(Infinity)).toThrow(errorWith('INVALID_KEY'));
    expect(await cache.getUserData(1, 2)).toEqual({});
  });

  it('clears a namespace by its name, its enum or its definition', async () => {
    await cache.setUserData(1, 2, 'a', 1);
    await cache.setChatSettings(1, {});
    cache.setUserState(1, 'a', 1);
    await cache.clearNamespace(CacheNamespace.CHAT_USERS);
    await cache.clearNamespace('chats');
    await cache.clearNamespace(cache.users.definition);
    expect([cache.chats.size, cache.chatUsers.size, cache.users.size]).toEqual([0, 0, 0]);
    await restart();
    expect(await cache.getUserData(1, 2)).toEqual({});
  });

  it('reports what a flush wrote and what a load read', async () => {
    await cache.setChatSettings(1, { a: 1 });
    await cache.setChatSettings(2, { a: 1 });
    expect(await cache.persistAll()).toMatchObject({ written: 2, failed: 0, remaining: 0, error: undefined });
    expect(await cache.loadFromDatabase()).toMatchObject({ rows: 2, skipped: 0 });
    expect(cache.getStats()['chats']).toMatchObject({
      size: 2,
      maxSize: 1000,
      dirty: 0,
      persistenceLevel: CachePersistenceLevel.ON_SHUTDOWN,
    });
  });

  it('declares its namespaces with the levels it says', () => {
    for (const namespace of Object.values(CacheNamespace)) {
      expect(cache.getStats()[namespace]?.persistenceLevel).toBe(getPersistenceLevel(namespace));
    }
  });
});
