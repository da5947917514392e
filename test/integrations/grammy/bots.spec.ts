import { join } from 'node:path';
import type { Enhance } from 'grammy';
import { describe, expect, it } from 'vitest';
import { CacheModule, CachePersistenceLevel, CacheService, InMemoryStorage } from '../../../src/index.js';
import { botSessionNamespace, DurableBotSessions } from '../../../src/integrations/grammy/index.js';
import { FaultyStorage } from '../../../src/testing/index.js';
import { errorWith } from '../../support/definitions.js';
import { startApp } from '../../support/nest-app.js';
import { MAX_STALE_MS, SHOP_DATABASES } from '../../support/shops.js';
import { tempFolder } from '../../support/temp-folder.js';
import { closeBotApps, startBotApp, stop } from './bot-apps.js';
import { BOTS, enhancedGrammyBot, lazyGrammyBot, multiGrammyBot, newVisits, type Visits } from './bots.js';

const { ON_CHANGE, ON_SHUTDOWN } = CachePersistenceLevel;
const folder = tempFolder();
let files = 0;
const onFile = () => ({ type: 'better-sqlite3', database: join(folder, `${(files += 1)}.sqlite`) }) as const;

closeBotApps();

describe.each(BOTS)('a bot of $name', ({ newBot }) => {
  it.each([ON_CHANGE, ON_SHUTDOWN])(
    'goes on after a restart with what handlers changed in place (%s)',
    async (persistence) => {
      const given = { cache: { storage: onFile() }, namespace: { persistence } };
      const before = await startBotApp(given);
      const bot = newBot(before.sessions);
      await bot.say('tea');
      await bot.say('milk');
      await bot.say('other', 8);
      await stop(before);
      const after = newBot((await startBotApp(given)).sessions);
      expect(await after.say('sugar')).toEqual({ count: 3, texts: ['tea', 'milk', 'sugar'] });
      expect(await after.say('look', 8)).toEqual({ count: 1, texts: ['other'] });
      expect(await after.say('look', 9)).toEqual(newVisits());
    },
  );

  it('has committed the session when the update is handled', async () => {
    const { sessions, rows } = await startBotApp({ cache: { storage: onFile() } });
    await newBot(sessions).say('tea');
    expect(rows.stats()).toMatchObject({ dirty: 0, written: 1 });
  });

  it('costs no commit where a handler only looks at the session', async () => {
    const { sessions, rows } = await startBotApp({ cache: { storage: onFile() } });
    const bot = newBot(sessions);
    await bot.say('tea');
    const { written } = rows.stats();
    for (let i = 0; i < 5; i += 1) expect(await bot.say('look')).toMatchObject({ count: 1 });
    expect(rows.stats().written).toBe(written);
  });

  it('removes a session that a handler drops', async () => {
    const { sessions, rows } = await startBotApp({ cache: { storage: onFile() } });
    const bot = newBot(sessions);
    await bot.say('tea');
    await bot.say('forget');
    expect(await rows.count()).toBe(0);
    expect(await bot.say('look')).toEqual(newVisits());
  });

  it('hears of a database that is away', async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const { sessions } = await startBotApp({ cache: { storage, writeTimeoutMs: 50 } });
    const bot = newBot(sessions);
    storage.failWrites(Infinity);
    await expect(bot.say('tea')).rejects.toThrow('The database could not be written to');
    storage.heal();
    expect(await bot.say('milk')).toEqual({ count: 1, texts: ['milk'] });
  });

  it('goes on with a session whose read has failed as soon as the database is back', async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const { sessions } = await startBotApp({ cache: { storage, instances: 'many' } });
    const bot = newBot(sessions);
    await bot.say('tea');
    storage.failReads(Infinity);
    for (let i = 0; i < 2; i += 1) await expect(bot.say('milk')).rejects.toThrow("can't be asked");
    storage.heal();
    expect(await bot.say('sugar')).toEqual({ count: 2, texts: ['tea', 'sugar'] });
    expect(await bot.say('look')).toMatchObject({ count: 2 });
  });

  it.each(Object.values(CachePersistenceLevel))(
    'undoes nothing with an update that only looks at what another one changes or drops meanwhile (%s)',
    async (persistence) => {
      const { sessions } = await startBotApp({ cache: { storage: onFile() }, namespace: { persistence } });
      const bot = newBot(sessions);
      await bot.say('tea');
      await bot.say('look', 7, () => bot.say('milk'));
      expect(await bot.say('look')).toEqual({ count: 2, texts: ['tea', 'milk'] });
      await bot.say('look', 7, () => newBot(sessions).say('forget'));
      expect(await sessions.has('7')).toBe(false);
    },
  );

  it('does so on ON_CHANGE also beside another instance, and renews the time to live of what that has written', async () => {
    const storage = onFile();
    for (const ttlMs of [null, 60_000]) {
      const given = {
        cache: { storage, instances: 'many' },
        namespace: { name: `visits-${ttlMs}`, ttlMs },
      } as const;
      const [one, other] = [await startBotApp(given), await startBotApp(given)];
      await newBot(one.sessions).say('tea');
      await newBot(one.sessions).say('look', 7, () => newBot(other.sessions).say('milk'));
      expect(await newBot(one.sessions).say('look')).toEqual({ count: 2, texts: ['tea', 'milk'] });
      await stop(one);
      await stop(other);
    }
  });

  describe.each(SHOP_DATABASES)('on two instances with $name', ({ newStorage }) => {
    it('loses no change of a session, whichever instance is sent the next update', async () => {
      const cache = { storage: await newStorage(), instances: 'many', backplane: false } as const;
      const bots = [
        newBot((await startBotApp({ cache })).sessions),
        newBot((await startBotApp({ cache })).sessions),
      ] as const;
      for (let i = 1; i <= 10; i += 1)
        expect(await (i % 2 === 0 ? bots[0] : bots[1]).say('tea')).toMatchObject({ count: i });
    });
  });
});

describe('a bot of grammY', () => {
  it('stores nothing of an update whose handler throws', async () => {
    for (const persistence of Object.values(CachePersistenceLevel)) {
      const { sessions } = await startBotApp({ cache: { storage: onFile() }, namespace: { persistence } });
      const bot = (BOTS[0] as (typeof BOTS)[0]).newBot(sessions);
      await bot.say('tea');
      await expect(bot.say('fail')).rejects.toThrow('in the handler');
      expect(await bot.say('look')).toEqual({ count: 1, texts: ['tea'] });
    }
  });

  it('reads a lazy session only where a handler asks for it', async () => {
    const { sessions, rows } = await startBotApp({ cache: { storage: onFile() } });
    const bot = lazyGrammyBot(sessions);
    await bot.say('nothing');
    expect(rows.stats()).toMatchObject({ hits: 0, misses: 0, written: 0 });
    await bot.say('tea');
    expect(await bot.say('milk')).toEqual({ count: 2, texts: ['tea', 'milk'] });
    expect(await rows.get('7')).toEqual({ count: 2, texts: ['tea', 'milk'] });
  });

  it('undoes nothing by looking at a lazy session', async () => {
    const { sessions } = await startBotApp({ cache: { storage: onFile() } });
    const bot = lazyGrammyBot(sessions);
    await bot.say('tea');
    await bot.say('look', 7, () => bot.say('milk'));
    expect(await sessions.read('7')).toMatchObject({ count: 2 });
  });

  it('keeps each of multi sessions in a namespace of its own, also after a restart', async () => {
    const visits = botSessionNamespace<Visits>({ name: 'visits' });
    const languages = botSessionNamespace<string>({ name: 'languages' });
    const storage = onFile();
    const start = async () => {
      const app = await startApp([CacheModule.forRoot({ storage, namespaces: [visits, languages] })]);
      const cache = app.get(CacheService);
      const bot = multiGrammyBot(
        new DurableBotSessions(cache.namespace(visits)),
        new DurableBotSessions(cache.namespace(languages)),
      );
      return { app, bot };
    };
    const before = await start();
    await before.bot.say('fr');
    await before.app.close();
    const after = await start();
    expect(await after.bot.say('hello')).toEqual({ count: 2, texts: ['fr'] });
    await after.app.close();
  });

  it('migrates what is stored with enhanceStorage', async () => {
    const cache = { storage: onFile() };
    const enhanced = botSessionNamespace<Enhance<Visits>>({ name: 'visits' });
    const first = await startBotApp({ cache });
    await (BOTS[0] as (typeof BOTS)[0]).newBot(first.sessions).say('tea');
    await stop(first);
    const app = await startApp([CacheModule.forRoot({ ...cache, namespaces: [enhanced] })]);
    const rows = app.get(CacheService).namespace(enhanced);
    const bot = enhancedGrammyBot(new DurableBotSessions(rows), {
      migrations: {
        1: (old: Visits): Visits => ({ ...old, texts: old.texts.map((text) => text.toUpperCase()) }),
      },
    });
    expect(await bot.say('milk')).toEqual({ count: 2, texts: ['TEA', 'milk'] });
    expect(await bot.say('sugar')).toEqual({ count: 3, texts: ['TEA', 'milk', 'sugar'] });
    expect(await rows.get('7')).toMatchObject({ v: 1, __d: { count: 3 } });
    const { written } = rows.stats();
    await bot.say('look', 7, () => bot.say('salt'));
    expect(await bot.say('look')).toMatchObject({ count: 4 });
    expect(rows.stats().written).toBe(written + 1);
    await app.close();
  });

  it('forgets a session after millisecondsToLive of enhanceStorage', async () => {
    const enhanced = botSessionNamespace<Enhance<Visits>>({ name: 'visits' });
    const app = await startApp([CacheModule.forRoot({ storage: onFile(), namespaces: [enhanced] })]);
    const rows = app.get(CacheService).namespace(enhanced);
    const bot = enhancedGrammyBot(new DurableBotSessions(rows), { millisecondsToLive: 60_000 });
    await bot.say('tea');
    const stored = (await rows.get('7')) as Enhance<Visits>;
    expect(stored.e).toBeGreaterThan(Date.now());
    expect(await bot.say('milk')).toMatchObject({ count: 2 });
    await rows.update('7', (current) => ({ ...(current as Enhance<Visits>), e: Date.now() - 1 }));
    expect(await bot.say('sugar')).toEqual({ count: 1, texts: ['sugar'] });
    await app.close();
  });
});

describe('what instances see of each other', () => {
  it('is as old as maxStaleMs with fresh false, on a read alone', async () => {
    const cache = { storage: onFile(), instances: 'many', maxStaleMs: MAX_STALE_MS } as const;
    const [one, other] = [
      await startBotApp({ cache }),
      await startBotApp({ cache, options: { fresh: false } }),
    ];
    await one.sessions.write('7', { count: 1, texts: [] });
    await expect.poll(() => other.sessions.read('7')).toEqual({ count: 1, texts: [] });
  });

  it('can not be told while the database is away, and then a read rejects instead of an update being handled in vain', async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const { sessions } = await startBotApp({ cache: { storage, instances: 'many' } });
    await sessions.write('7', newVisits());
    storage.failReads(Infinity);
    await expect(sessions.read('7')).rejects.toThrow(errorWith('READ_FAILED'));
    await expect(sessions.has('7')).rejects.toThrow(errorWith('READ_FAILED'));
    storage.heal();
    expect(await sessions.read('7')).toEqual(newVisits());
  });

  it('is not asked on ON_SHUTDOWN, where sessions go on while the database is away', async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const { sessions } = await startBotApp({
      cache: { storage, instances: 'many' },
      namespace: { persistence: ON_SHUTDOWN },
    });
    await sessions.write('7', newVisits());
    storage.failReads(Infinity);
    expect(await sessions.read('7')).toEqual(newVisits());
    storage.heal();
  });
});
