import { join } from 'node:path';
import { promisify } from 'node:util';
import type { INestApplicationContext } from '@nestjs/common';
import { Cookie, type SessionData, Store } from 'express-session';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  CacheModule,
  CachePersistenceLevel,
  CacheService,
  defineNamespace,
  InMemoryStorage,
  json,
  stringKey,
  type CacheModuleOptions,
  type NamespaceCache,
} from '../../../src/index.js';
import {
  DurableSessionStore,
  sessionNamespace,
  type SessionNamespaceOptions,
  type SessionStoreOptions,
} from '../../../src/integrations/express-session/index.js';
import { FaultyStorage, TestClock } from '../../../src/testing/index.js';
import { errorWith } from '../../support/definitions.js';
import { startApp } from '../../support/nest-app.js';
import { tempFolder } from '../../support/temp-folder.js';

interface Basket extends Pick<SessionData, 'cookie'> {
  items: string[];
}

const DAY_MS = 86_400_000;
const folder = tempFolder();
let files = 0;
let clock: TestClock;
let app: INestApplicationContext | undefined;
let rows: NamespaceCache<string, string>;

interface Given {
  readonly namespace?: Partial<SessionNamespaceOptions>;
  readonly store?: SessionStoreOptions;
  readonly cache?: CacheModuleOptions;
}

async function newStore({ namespace, store, cache }: Given = {}): Promise<DurableSessionStore<Basket>> {
  const sessions = sessionNamespace({ name: 'sessions', ...namespace });
  const storage = { type: 'better-sqlite3', database: join(folder, `${(files += 1)}.sqlite`) } as const;
  app = await startApp([CacheModule.forRoot({ storage, clock, namespaces: [sessions], ...cache })]);
  rows = app.get(CacheService).namespace(sessions);
  return new DurableSessionStore<Basket>(rows, store);
}

/** The methods of a store as functions that return promises. */
function promised(store: DurableSessionStore<Basket>) {
  return {
    get: promisify(store.get.bind(store)) as (sid: string) => Promise<Basket | null>,
    set: promisify(store.set.bind(store)),
    touch: promisify(store.touch.bind(store)),
    destroy: promisify(store.destroy.bind(store)),
    all: promisify(store.all.bind(store)) as () => Promise<Record<string, Basket>>,
    length: promisify(store.length.bind(store)) as () => Promise<number>,
    clear: promisify(store.clear.bind(store)),
  };
}

function basket(items: string[], maxAge?: number): Basket {
  const cookie = new Cookie();
  // What express-session does with the option of that name.
  if (maxAge !== undefined) Object.assign(cookie, { maxAge, originalMaxAge: maxAge });
  return { cookie, items };
}

/** Lets time pass for the cache, and for what asks the machine for the date. */
async function pass(ms: number): Promise<void> {
  vi.setSystemTime(Date.now() + ms);
  await clock.advance(ms);
}

beforeEach(() => {
  clock = new TestClock();
  vi.useFakeTimers({ toFake: ['Date'], now: clock.now() });
});

afterEach(async () => {
  vi.useRealTimers();
  await app?.close();
  app = undefined;
});

describe('a DurableSessionStore', () => {
  it('is a store of express-session, which makes sessions with methods of what it has stored', async () => {
    const store = await newStore();
    expect(store).toBeInstanceOf(Store);
    await promised(store).set('a', basket(['tea'], 60_000));
    const session = (await promisify(store.load.bind(store))('a')) as Basket & { id: string };
    expect(session).toMatchObject({ id: 'a', items: ['tea'] });
    expect(session.cookie).toBeInstanceOf(Cookie);
    expect(session.cookie.expires).toEqual(new Date(Date.now() + 60_000));
    expect(session.cookie.originalMaxAge).toBe(60_000);
  });

  it('stores the JSON form of a session at the call, whatever becomes of the object', async () => {
    const { set, get } = promised(await newStore());
    const session = basket(['tea']);
    const stored = set('a', session);
    session.items.push('milk');
    await stored;
    expect(rows.getIfPresent('a')).toBe(JSON.stringify(basket(['tea'])));
    expect((await get('a'))?.items).toEqual(['tea']);
  });

  it.each(Object.values(CachePersistenceLevel))(
    'gives each request an object of its own (%s)',
    async (persistence) => {
      const { set, get } = promised(await newStore({ namespace: { persistence } }));
      await set('a', basket(['tea']));
      const [one, other] = [await get('a'), await get('a')];
      one?.items.push('milk');
      expect(other?.items).toEqual(['tea']);
      expect((await get('a'))?.items).toEqual(['tea']);
    },
  );

  it('commits a session before it calls back, unless it is told another level', async () => {
    await newStore();
    expect(rows.definition.persistence).toBe(CachePersistenceLevel.ON_CHANGE);
  });

  it('gives null for a session that is not there, and destroys one that is not there', async () => {
    const { get, destroy } = promised(await newStore());
    expect(await get('a')).toBeNull();
    await expect(destroy('a')).resolves.not.toThrow();
  });

  it('counts, lists and clears what is not in memory, too', async () => {
    const { set, all, length, clear, get } = promised(await newStore({ namespace: { maxEntries: 1 } }));
    for (const id of ['a', 'b', '__proto__']) await set(id, basket([id]));
    expect(rows.size).toBe(1);
    expect(await length()).toBe(3);
    const sessions = await all();
    expect(Object.keys(sessions).toSorted()).toEqual(['__proto__', 'a', 'b']);
    expect(sessions['__proto__']?.items).toEqual(['__proto__']);
    await clear();
    expect(await length()).toBe(0);
    expect(await get('a')).toBeNull();
  });

  it('does without callbacks', async () => {
    const store = await newStore();
    store.set('a', basket(['tea']));
    await expect.poll(() => rows.has('a')).toBe(true);
    store.touch('a', basket([], 60_000));
    await expect.poll(() => rows.ttl('a')).toBe(60_000);
    store.destroy('a');
    await expect.poll(() => rows.has('a')).toBe(false);
    await promised(store).set('b', basket([]));
    store.clear();
    await expect.poll(() => rows.has('b')).toBe(false);
    // Nobody is told, and no promise is left without a handler.
    store.set('', basket([]));
    store.destroy('');
  });

  it('gives errors to the callback, once', async () => {
    const store = await newStore();
    const { get, set, touch, destroy } = promised(store);
    for (const call of [get(''), set('', basket([])), touch('', basket([])), destroy('')])
      await expect(call).rejects.toThrow(errorWith('INVALID_KEY'));
    const cyclic = { ...basket([]), self: {} };
    cyclic.self = cyclic;
    await expect(set('a', cyclic)).rejects.toThrow(errorWith('INVALID_VALUE'));
    await app?.close();
    for (const call of [set('a', basket([])), destroy('a')])
      await expect(call).rejects.toThrow(errorWith('CACHE_CLOSED'));
  });

  it('lets what a callback throws end the process, and does not call it again', async () => {
    const store = await newStore();
    const thrown = new Error('in the callback');
    const uncaught = new Promise((resolve) => {
      const listeners = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const listener of listeners) process.on('uncaughtException', listener);
        resolve(error);
      });
    });
    const callback = vi.fn<() => void>(() => {
      throw thrown;
    });
    store.get('a', callback);
    expect(await uncaught).toBe(thrown);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it('gives an error for a row that is no session, which a session can replace', async () => {
    const { get, set } = promised(await newStore({ namespace: { maxEntries: 1 } }));
    await expect(rows.set('a', 'no JSON')).rejects.toThrow(errorWith('INVALID_VALUE'));
    for (const text of ['1', 'null', '{}', '[]', '{"cookie":null}', '{"cookie":5}'])
      await expect(rows.set('a', text)).rejects.toThrow(errorWith('INVALID_VALUE'));
    for (const none of [undefined, null, 5, {}, [], { cookie: null }])
      await expect(set('a', none as never)).rejects.toThrow(errorWith('INVALID_VALUE'));
    await set('a', basket(['tea']));
    expect((await get('a'))?.items).toEqual(['tea']);
  });
});

describe('a session', () => {
  it('lives as long as its cookie, whatever the time to live of the namespace', async () => {
    const { set, get, length } = promised(await newStore({ namespace: { ttlMs: 1000 } }));
    await set('a', basket(['tea'], 60_000));
    await pass(59_999);
    expect(await get('a')).not.toBeNull();
    await pass(1);
    expect(await get('a')).toBeNull();
    expect(await length()).toBe(0);
  });

  it.each([
    ['a day where its cookie has no expiry', {}, DAY_MS],
    ['as long as the namespace says where its cookie has no expiry', { ttlMs: 5000 }, 5000],
  ])('lives %s', async (_what, namespace, ttlMs) => {
    const { set, get } = promised(await newStore({ namespace }));
    await set('a', basket(['tea']));
    await pass(ttlMs - 1);
    const session = (await get('a')) as Basket;
    expect(session.cookie.expires).toBeNull();
    await set('a', session);
    await pass(ttlMs - 1);
    expect(await get('a')).not.toBeNull();
    await pass(1);
    expect(await get('a')).toBeNull();
  });

  it('lives for ever with ttlMs null, unless its cookie ends', async () => {
    const { set } = promised(await newStore({ namespace: { ttlMs: null } }));
    await set('a', basket([]));
    await set('b', basket([], 1000));
    expect(await rows.ttl('a')).toBeNull();
    expect(await rows.ttl('b')).toBe(1000);
  });

  it('takes its expiry from cookies of any kind', async () => {
    const { set } = promised(await newStore());
    const plain = (cookie: object): Basket => ({ items: [], cookie }) as unknown as Basket;
    await set('text', plain({ expires: new Date(Date.now() + 5000).toISOString() }));
    await set('age', plain({ maxAge: 6000 }));
    await set('false', plain({ expires: false }));
    await set('bad', plain({ expires: 'tomorrow' }));
    expect(await Promise.all(['text', 'age', 'false', 'bad'].map((id) => rows.ttl(id)))).toEqual([
      5000,
      6000,
      DAY_MS,
      DAY_MS,
    ]);
  });

  it('is destroyed by a save or a touch with a cookie that is over', async () => {
    const { set, touch, length } = promised(await newStore());
    await set('a', basket([]));
    await set('b', basket([]));
    await set('a', basket([], -1));
    expect(await length()).toBe(1);
    await touch('b', basket([], -1));
    expect(await length()).toBe(0);
  });

  it('lives on from a touch, which stores nothing of the session but its expiry', async () => {
    const { set, touch, get } = promised(await newStore());
    await set('a', basket(['tea'], 60_000));
    const text = rows.getIfPresent('a');
    await pass(50_000);
    await touch('a', basket(['something else'], 60_000));
    expect(rows.getIfPresent('a')).toBe(text);
    await pass(59_999);
    const session = await get('a');
    expect(session?.items).toEqual(['tea']);
    expect(session?.cookie.expires).toBe(new Date(Date.now() + 1).toISOString());
    await pass(1);
    expect(await get('a')).toBeNull();
  });

  it('lives on from a touch without an expiry, as long as the namespace says', async () => {
    const { set, touch } = promised(await newStore());
    await set('a', basket([]));
    await pass(1000);
    await touch('a', basket([]));
    await rows.flush();
    expect(await rows.ttl('a')).toBe(DAY_MS);
  });

  it.each([
    ['of another age', { originalMaxAge: 90_000 }],
    ['of no age', { originalMaxAge: null, expires: null }],
    ['of another path', { path: '/shop' }],
  ])('has the cookie %s that a touch comes with, and is otherwise what it was', async (_what, change) => {
    const { set, touch, get } = promised(await newStore({ store: { touchAfterMs: DAY_MS } }));
    await set('a', basket(['tea'], 60_000));
    const touched = basket(['something else'], 60_000);
    Object.assign(touched.cookie, change);
    await touch('a', touched);
    const session = await get('a');
    expect(session?.items).toEqual(['tea']);
    expect(session?.cookie).toMatchObject(change);
    await pass(1000);
    await touch('gone', touched);
    expect(await rows.has('gone')).toBe(false);
  });

  it('is not stored anew for the millisecond by which express-session computes its age too short', async () => {
    const { set, touch } = promised(await newStore());
    await set('a', basket(['tea'], 60_000));
    const text = rows.getIfPresent('a');
    await touch('a', basket(['tea'], 59_999));
    await rows.flush();
    expect(rows.getIfPresent('a')).toBe(text);
    expect(await rows.ttl('a')).toBe(59_999);
  });

  it('is not brought back by a touch', async () => {
    const { set, touch, destroy, get } = promised(await newStore());
    await set('a', basket([], 60_000));
    await destroy('a');
    await touch('a', basket([], 60_000));
    expect(await get('a')).toBeNull();
  });

  it('is touched only where that prolongs it by touchAfterMs', async () => {
    const store = promised(await newStore({ store: { touchAfterMs: 10_000 } }));
    const { set } = store;
    const touch = async (sid: string, session: Basket): Promise<void> => {
      await store.touch(sid, session);
      await rows.flush();
    };
    await set('a', basket([], 60_000));
    await pass(9999);
    await touch('a', basket([], 60_000));
    expect(await rows.ttl('a')).toBe(50_001);
    await pass(1);
    await touch('a', basket([], 60_000));
    expect(await rows.ttl('a')).toBe(60_000);
    // A cookie that was made shorter counts at once.
    await touch('a', basket([], 59_000));
    expect(await rows.ttl('a')).toBe(59_000);
    await touch('gone', basket([], 60_000));
    expect(await rows.has('gone')).toBe(false);
  });

  it('is touched without a wait for the database, and so is one that was read and is saved unchanged', async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const { set, get, touch } = promised(await newStore({ cache: { storage } }));
    await set('a', basket(['tea'], 60_000));
    await pass(10_000);
    storage.hang();
    await touch('a', basket(['tea'], 60_000));
    const session = (await get('a')) as Basket;
    session.cookie.expires = new Date(Date.now() + 60_000);
    await set('a', { ...session });
    storage.heal();
    await rows.flush();
    expect(await rows.ttl('a')).toBe(60_000);
  });

  it.each(Object.values(CachePersistenceLevel))(
    'is what was saved last, also where that is what was read (%s)',
    async (persistence) => {
      const { set, get } = promised(await newStore({ namespace: { persistence } }));
      await set('a', basket(['tea'], 60_000));
      const session = (await get('a')) as Basket;
      await set('a', { ...session, items: ['milk'] });
      await set('a', session);
      expect((await get('a'))?.items).toEqual(['tea']);
      // Also while the one before is still being written.
      await Promise.all([set('a', { ...session, items: ['milk'] }), set('a', session)]);
      expect((await get('a'))?.items).toEqual(['tea']);
    },
  );

  it.each<[string, (store: ReturnType<typeof promised>) => Promise<unknown>]>([
    ['has been destroyed', ({ destroy }) => destroy('a')],
    ['has been removed otherwise', () => rows.delete('a')],
    ['has expired', () => pass(60_000)],
  ])('that was read and %s since is not brought back by a save', async (_what, end) => {
    const store = promised(await newStore());
    const { set, get, length } = store;
    await set('a', basket(['tea'], 60_000));
    const session = (await get('a')) as Basket;
    await end(store);
    session.cookie.expires = new Date(Date.now() + 60_000);
    await set('a', session);
    expect(await length()).toBe(0);
    // Whatever others are told of it.
    expect(await get('a')).toBeNull();
    await set('a', { ...session, items: ['milk'] });
    expect(await length()).toBe(0);
  });

  it('that was read is saved under another id, where it is a new one', async () => {
    const { set, get } = promised(await newStore());
    await set('a', basket(['tea']));
    await set('b', (await get('a')) as Basket);
    expect((await get('b'))?.items).toEqual(['tea']);
  });

  it('may be begun anew with the same id after it was destroyed', async () => {
    const { set, get, destroy } = promised(await newStore());
    await set('a', basket(['tea']));
    await get('a');
    await destroy('a');
    await set('a', basket(['new']));
    expect((await get('a'))?.items).toEqual(['new']);
  });

  it('of express-session shows nothing of what marks it as read, and neither does what is stored', async () => {
    const store = await newStore();
    const { set } = promised(store);
    const text = JSON.stringify(basket(['tea']));
    await set('a', basket(['tea']));
    const session = (await promisify(store.load.bind(store))('a')) as Basket;
    expect(Object.keys(session).toSorted()).toEqual(['cookie', 'items']);
    await set('a', session);
    expect(rows.getIfPresent('a')).toBe(text);
    await rows.delete('a');
    await set('a', session);
    expect(await rows.has('a')).toBe(false);
  });

  it('is what the last of several requests has saved', async () => {
    const { set, get } = promised(await newStore());
    await set('a', basket([]));
    const [one, other] = [(await get('a')) as Basket, (await get('a')) as Basket];
    await Promise.all([set('a', { ...one, items: ['one'] }), set('a', { ...other, items: ['other'] })]);
    expect((await get('a'))?.items).toEqual(['other']);
  });
});

describe('a session that is only touched on one of two instances (ON_SHUTDOWN)', () => {
  const definition = sessionNamespace({ name: 'sessions', persistence: CachePersistenceLevel.ON_SHUTDOWN });
  const apps: INestApplicationContext[] = [];

  async function instances(): Promise<[NamespaceCache<string, string>, NamespaceCache<string, string>]> {
    const storage = { type: 'better-sqlite3', database: join(folder, `${(files += 1)}.sqlite`) } as const;
    const start = async (): Promise<NamespaceCache<string, string>> => {
      const started = await startApp([
        CacheModule.forRoot({ storage, instances: 'many', namespaces: [definition], rescueJournal: false }),
      ]);
      apps.push(started);
      return started.get(CacheService).namespace(definition);
    };
    return [await start(), await start()];
  }

  afterEach(async () => {
    for (const started of apps.splice(0)) await started.close();
  });

  it.each<[string, string[] | undefined, (one: NamespaceCache<string, string>) => Promise<unknown>]>([
    [
      'is what the other one has saved',
      ['milk'],
      (one) => promised(new DurableSessionStore<Basket>(one)).set('a', basket(['milk'], 60_000)),
    ],
    ['stays over where the other one has destroyed it', undefined, (one) => one.delete('a')],
  ])('%s', async (_what, items, change) => {
    const [one, other] = await instances();
    await promised(new DurableSessionStore<Basket>(one)).set('a', basket(['tea'], 60_000));
    await one.flush();
    const there = promised(new DurableSessionStore<Basket>(other));
    const session = (await there.get('a')) as Basket;
    await there.touch('a', session);
    await change(one);
    await one.flush();
    await other.flush();
    for (const rowsOf of [one, other]) {
      await rowsOf.refresh('a');
      const found = await promised(new DurableSessionStore<Basket>(rowsOf)).get('a');
      expect(found?.items).toEqual(items);
    }
  });
});

describe('bad input', () => {
  it('is refused where the store is made, with the remedy', async () => {
    await newStore();
    const definition = sessionNamespace({ name: 'sessions' });
    const make = (namespace: unknown, options?: unknown) => () =>
      new DurableSessionStore(namespace as typeof rows, options as SessionStoreOptions);
    expect(make(undefined)).toThrow(/cache\.namespace\(sessions\)/);
    expect(make(definition)).toThrow(errorWith('INVALID_OPTION'));
    expect(make(rows, null)).toThrow(errorWith('INVALID_OPTION'));
    expect(make(rows, { ttl: 1 })).toThrow(/no option 'ttl'.*fresh, touchAfterMs/);
    expect(make(rows, { fresh: 'yes' })).toThrow(errorWith('INVALID_OPTION'));
    expect(make(rows, { touchAfterMs: -1 })).toThrow(errorWith('INVALID_OPTION'));
  });

  it('is refused where the namespace was declared otherwise', async () => {
    const plain = defineNamespace({ name: 'plain', key: stringKey(), value: json<string>() });
    app = await startApp([CacheModule.forRoot({ storage: new InMemoryStorage(), namespaces: [plain] })]);
    const namespace = app.get(CacheService).namespace(plain);
    const made = () => new DurableSessionStore(namespace);
    expect(made).toThrow(errorWith('INVALID_OPTION'));
    expect(made).toThrow(/sessionNamespace\(\) declares/);
  });

  it('is refused where the namespace is declared', () => {
    const declare = (options: unknown) => () => sessionNamespace(options as SessionNamespaceOptions);
    expect(declare(undefined)).toThrow(errorWith('INVALID_OPTION'));
    expect(declare({ name: '' })).toThrow(errorWith('INVALID_OPTION'));
    expect(declare({ name: 'a', ttl: 1 })).toThrow(errorWith('INVALID_OPTION'));
    expect(declare({ name: 'a', ttlMs: -1 })).toThrow(errorWith('INVALID_OPTION'));
  });
});
