import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  CacheModule,
  CachePersistenceLevel,
  CacheService,
  defineNamespace,
  InMemoryStorage,
  json,
  rich,
  stringKey,
} from '../../../src/index.js';
import {
  botSessionNamespace,
  DurableBotSessions,
  type BotSessionNamespaceOptions,
  type BotSessionsOptions,
} from '../../../src/integrations/grammy/index.js';
import { FaultyStorage, TestClock } from '../../../src/testing/index.js';
import { errorWith } from '../../support/definitions.js';
import { startApp } from '../../support/nest-app.js';
import { tempFolder } from '../../support/temp-folder.js';
import { closeBotApps, startBotApp, type BotApp, type Given } from './bot-apps.js';
import { newVisits, type Visits } from './bots.js';

const { ON_CHANGE } = CachePersistenceLevel;
const folder = tempFolder();
let files = 0;
let clock: TestClock;

closeBotApps();

beforeEach(() => {
  clock = new TestClock();
});

function start(given: Omit<Given, 'cache'> = {}): Promise<BotApp> {
  const storage = { type: 'better-sqlite3', database: join(folder, `${(files += 1)}.sqlite`) } as const;
  return startBotApp({ cache: { storage, clock }, ...given });
}

async function listed<T>(all: AsyncIterable<T>): Promise<T[]> {
  const found = [];
  for await (const one of all) found.push(one);
  return found;
}

describe.each(Object.values(CachePersistenceLevel))('a DurableBotSessions on %s', (persistence) => {
  it('reads what was written, under both names of each method', async () => {
    const { sessions } = await start({ namespace: { persistence } });
    expect(await sessions.read('7')).toBeUndefined();
    expect(await sessions.has('7')).toBe(false);
    await sessions.write('7', { count: 1, texts: ['tea'] });
    expect(await sessions.get('7')).toEqual({ count: 1, texts: ['tea'] });
    await sessions.set('7', { count: 2, texts: [] });
    expect(await sessions.read('7')).toEqual({ count: 2, texts: [] });
    expect(await sessions.has('7')).toBe(true);
    await sessions.delete('7');
    expect(await sessions.has('7')).toBe(false);
    await expect(sessions.delete('7')).resolves.toBeUndefined();
  });

  it('gives each reader an object of its own, and keeps what it was given', async () => {
    const { sessions } = await start({ namespace: { persistence } });
    const given: Visits = { count: 1, texts: ['tea'] };
    const written = sessions.write('7', given);
    given.texts.push('after the call');
    await written;
    const read = (await sessions.read('7')) as Visits;
    read.texts.push('milk');
    for await (const value of sessions.readAllValues()) value.texts.push('sugar');
    for await (const [, value] of sessions.readAllEntries()) value.texts.push('salt');
    expect(await sessions.read('7')).toEqual({ count: 1, texts: ['tea'] });
  });

  it('stores what is written again as it was at the call', async () => {
    const { sessions } = await start({ namespace: { persistence } });
    await sessions.write('7', newVisits());
    const other = sessions.write('7', { count: 9, texts: [] });
    const session = newVisits();
    const written = sessions.write('7', session);
    session.count = 5;
    await Promise.all([other, written]);
    expect(await sessions.read('7')).toEqual(newVisits());
  });

  it('refuses a session that does not come back as it was, and leaves the old one', async () => {
    const { sessions } = await start({ namespace: { persistence } });
    await sessions.write('7', newVisits());
    const dated = { count: 1, texts: [new Date()] } as unknown as Visits;
    await expect(sessions.write('7', dated)).rejects.toThrow(errorWith('INVALID_VALUE'));
    await expect(sessions.write('8', dated)).rejects.toThrow(errorWith('INVALID_VALUE'));
    expect(await sessions.read('7')).toEqual(newVisits());
  });

  it('renews the time to live with each write, be the session changed or not', async () => {
    const { sessions } = await start({ namespace: { persistence, ttlMs: 1000 } });
    await sessions.write('7', newVisits());
    await clock.advance(900);
    await sessions.write('7', (await sessions.read('7')) as Visits);
    await clock.advance(999);
    expect(await sessions.has('7')).toBe(true);
    await clock.advance(1);
    expect(await sessions.read('7')).toBeUndefined();
  });
});

describe('a DurableBotSessions', () => {
  it('commits before it resolves, and keeps sessions for ever, unless the namespace says otherwise', async () => {
    const { rows } = await start();
    expect(rows.definition).toMatchObject({ persistence: ON_CHANGE, ttlMs: undefined, values: 'copied' });
  });

  it('lists what is not in memory, too', async () => {
    const { sessions, rows } = await start({ namespace: { maxEntries: 1 } });
    for (const [i, key] of ['a', 'b', 'c'].entries()) await sessions.write(key, { count: i, texts: [] });
    expect(rows.size).toBe(1);
    expect(await listed(sessions.readAllKeys())).toEqual(['a', 'b', 'c']);
    expect((await listed(sessions.readAllValues())).map(({ count }) => count)).toEqual([0, 1, 2]);
    expect(await listed(sessions.readAllEntries())).toEqual([
      ['a', { count: 0, texts: [] }],
      ['b', { count: 1, texts: [] }],
      ['c', { count: 2, texts: [] }],
    ]);
  });

  it('writes what differs from what is stored, and nothing else', async () => {
    const { sessions, rows } = await start();
    await sessions.write('7', newVisits());
    const { written } = rows.stats();
    await sessions.write('7', newVisits());
    expect(rows.stats().written).toBe(written);
    await sessions.write('7', { ...newVisits(), count: 1 });
    await sessions.write('8', newVisits());
    expect(rows.stats().written).toBe(written + 2);
  });

  it('leaves what was deleted deleted where it is written back as it was read, and brings a copy of it back', async () => {
    const { sessions } = await start();
    await sessions.write('7', newVisits());
    const session = (await sessions.read('7')) as Visits;
    await sessions.delete('7');
    await sessions.write('7', session);
    expect(await sessions.has('7')).toBe(false);
    await sessions.write('7', structuredClone(session));
    expect(await sessions.read('7')).toEqual(newVisits());
    const deleted = sessions.delete('7');
    await Promise.all([deleted, sessions.write('7', { ...session })]);
    expect(await sessions.read('7')).toEqual(newVisits());
  });

  it('writes what was read under another key', async () => {
    const { sessions } = await start();
    await sessions.write('7', { count: 1, texts: [] });
    await sessions.write('8', (await sessions.read('7')) as Visits);
    expect(await sessions.read('8')).toEqual({ count: 1, texts: [] });
  });

  it('writes what is as it was read again while another state of it is being written, or could not be', async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const { sessions } = await startBotApp({ cache: { storage, writeTimeoutMs: 50 } });
    await sessions.write('7', newVisits());
    const session = (await sessions.read('7')) as Visits;
    storage.hang('writes');
    session.count = 1;
    const first = sessions.write('7', session);
    session.count = 0;
    const second = sessions.write('7', session);
    storage.heal();
    await Promise.all([first, second]);
    expect(await sessions.read('7')).toEqual(newVisits());
    storage.failWrites(Infinity);
    session.count = 2;
    await expect(sessions.write('7', session)).rejects.toThrow(errorWith('WRITE_FAILED'));
    storage.heal();
    await sessions.write('7', session);
    expect(await sessions.read('7')).toMatchObject({ count: 2 });
  });

  it('reads again where the promise of a read that has failed is awaited again, and once where it has not', async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const { sessions, rows } = await startBotApp({ cache: { storage, instances: 'many' } });
    await sessions.write('7', newVisits());
    const reads = () => rows.stats().hits + rows.stats().misses;
    const before = reads();
    const read = sessions.get('7');
    expect(read).toBeInstanceOf(Promise);
    expect(await read).toBe(await read);
    expect(reads()).toBe(before + 1);
    storage.failReads(Infinity);
    const failed = sessions.get('7');
    for (const again of [failed, failed.catch((error: unknown) => Promise.reject(error)), failed])
      await expect(again).rejects.toThrow(errorWith('READ_FAILED'));
    storage.heal();
    expect(await failed).toEqual(newVisits());
    expect(await failed.finally(() => undefined)).toEqual(newVisits());
  });

  it('keeps dates and maps with rich()', async () => {
    interface Rich {
      since: Date;
      scores: Map<string, bigint>;
    }
    const definition = botSessionNamespace({ name: 'rich', value: rich<Rich>() });
    const storage = { type: 'better-sqlite3', database: join(folder, 'rich.sqlite') } as const;
    const app = await startApp([CacheModule.forRoot({ storage, namespaces: [definition] })]);
    const sessions = new DurableBotSessions(app.get(CacheService).namespace(definition));
    const session: Rich = { since: new Date(5), scores: new Map([['ada', 3n]]) };
    await sessions.write('7', session);
    expect(await sessions.read('7')).toEqual(session);
    await app.close();
  });

  it('rejects for keys that can not be, and after the stop', async () => {
    const { app, sessions } = await start();
    await sessions.write('7', newVisits());
    for (const call of [sessions.read(''), sessions.write('', newVisits()), sessions.delete('x'.repeat(513))])
      await expect(call).rejects.toThrow(errorWith('INVALID_KEY'));
    await app.close();
    for (const call of [
      sessions.write('7', newVisits()),
      sessions.write('8', newVisits()),
      sessions.delete('7'),
    ])
      await expect(call).rejects.toThrow(errorWith('CACHE_CLOSED'));
  });
});

describe('bad input', () => {
  it('is refused where the sessions are made, with the remedy', async () => {
    const { rows } = await start();
    const make = (namespace: unknown, options?: unknown) => () =>
      new DurableBotSessions(namespace as typeof rows, options as BotSessionsOptions);
    expect(make(undefined)).toThrow(/cache\.namespace\(sessions\)/);
    expect(make(botSessionNamespace<Visits>({ name: 'visits' }))).toThrow(errorWith('INVALID_OPTION'));
    expect(make(rows, null)).toThrow(errorWith('INVALID_OPTION'));
    expect(make(rows, { ttl: 1 })).toThrow(/no option 'ttl'.*fresh/);
    expect(make(rows, { fresh: 'yes' })).toThrow(errorWith('INVALID_OPTION'));
  });

  it('is a namespace whose values are frozen, which a bot could not change', async () => {
    const frozen = defineNamespace({ name: 'frozen', key: stringKey(), value: json<Visits>() });
    const storage = { type: 'better-sqlite3', database: join(folder, 'frozen.sqlite') } as const;
    const app = await startApp([CacheModule.forRoot({ storage, namespaces: [frozen] })]);
    const rows = app.get(CacheService).namespace(frozen) as unknown as BotApp['rows'];
    expect(() => new DurableBotSessions(rows)).toThrow(/botSessionNamespace\(\)/);
    await app.close();
  });

  it('is refused where the namespace is declared', () => {
    const declare = (options: unknown) => () =>
      botSessionNamespace<Visits>(options as BotSessionNamespaceOptions<Visits>);
    expect(declare(undefined)).toThrow(errorWith('INVALID_OPTION'));
    expect(declare({ name: '' })).toThrow(errorWith('INVALID_OPTION'));
    expect(declare({ name: 'a', ttl: 1 })).toThrow(errorWith('INVALID_OPTION'));
    expect(declare({ name: 'a', value: {} })).toThrow(errorWith('INVALID_OPTION'));
    expect(declare({ name: 'a', ttlMs: -1 })).toThrow(errorWith('INVALID_OPTION'));
  });
});
