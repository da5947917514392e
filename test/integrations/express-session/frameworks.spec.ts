import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InMemoryStorage } from '../../../src/index.js';
import { FaultyStorage } from '../../../src/testing/index.js';
import { MAX_STALE_MS, SHOP_DATABASES } from '../../support/shops.js';
import { tempFolder } from '../../support/temp-folder.js';
import { Browser } from '../support/browser.js';
import { closeSessionApps, FRAMEWORKS, sessions, stop } from './session-apps.js';
import { MONTH_MS } from './visits.controller.js';

const folder = tempFolder();
let files = 0;
const onFile = () => ({ type: 'better-sqlite3', database: join(folder, `${(files += 1)}.sqlite`) }) as const;

closeSessionApps();

describe.each(FRAMEWORKS)('sessions of $name', ({ start }) => {
  it('go on after a restart, with all that requests have changed in place', async () => {
    const cache = { storage: onFile() };
    const before = await start({ cache });
    const ada = new Browser(before.url);
    await ada.post('/visits');
    await ada.post('/visits');
    await stop(before);
    const after = await start({ cache });
    ada.moveTo(after.url);
    expect(await ada.post('/visits')).toEqual({ visits: 3, seen: ['visit 1', 'visit 2', 'visit 3'] });
    expect(await new Browser(after.url).get('/visits')).toEqual({ visits: 0, user: null });
  });

  it('get a new id at the login, and the old one is worth nothing', async () => {
    const { url, cache } = await start({ cache: { storage: onFile() } });
    const ada = new Browser(url);
    await ada.post('/visits');
    const [[oldId] = ['']] = [...cache.namespace(sessions)];
    expect(await ada.post('/login')).toEqual({ user: 'ada' });
    expect(await ada.get('/visits')).toEqual({ visits: 0, user: 'ada' });
    expect(await cache.namespace(sessions).has(oldId)).toBe(false);
    expect(await cache.namespace(sessions).count()).toBe(1);
  });

  it('are gone after the logout, also after a restart', async () => {
    const cache = { storage: onFile() };
    const before = await start({ cache });
    const ada = new Browser(before.url);
    await ada.post('/login');
    await ada.post('/logout');
    expect(await ada.get('/visits')).toEqual({ visits: 0, user: null });
    await stop(before);
    ada.moveTo((await start({ cache })).url);
    expect(await ada.get('/visits')).toEqual({ visits: 0, user: null });
  });

  it('live as long as their cookies', async () => {
    const { url, cache } = await start({ cache: { storage: onFile() }, maxAge: 60_000 });
    const ada = new Browser(url);
    await ada.post('/visits');
    const [[id] = ['']] = [...cache.namespace(sessions)];
    const leftMs = await cache.namespace(sessions).ttl(id);
    expect(leftMs).toBeLessThanOrEqual(60_000);
    expect(leftMs).toBeGreaterThan(50_000);
  });

  it('are over after the logout, whatever a request of before saves after it, and whoever asked in between', async () => {
    const { url, held } = await start({ cache: { storage: onFile() } });
    for (const asked of [false, true]) {
      const ada = new Browser(url);
      await ada.post('/login');
      const otherTab = ada.copy();
      const late = ada.copy().post('/held');
      await expect.poll(() => held.count).toBe(1);
      await ada.post('/logout');
      if (asked) expect(await otherTab.copy().get('/visits')).toEqual({ visits: 0, user: null });
      held.release();
      expect(await late).toMatchObject({ visits: 1 });
      expect(await otherTab.get('/visits')).toEqual({ visits: 0, user: null });
    }
  });

  it('are worth nothing under the id of before the login, whatever a request of then saves', async () => {
    const { url, held } = await start({ cache: { storage: onFile() } });
    const ada = new Browser(url);
    await ada.post('/visits');
    const otherTab = ada.copy();
    const late = ada.copy().post('/held');
    await expect.poll(() => held.count).toBe(1);
    await ada.post('/login');
    held.release();
    await late;
    expect(await otherTab.get('/visits')).toEqual({ visits: 0, user: null });
    expect(await ada.get('/visits')).toEqual({ visits: 0, user: 'ada' });
  });

  it('live on from request to request with a cookie that one of them has changed, and nothing else', async () => {
    const cache = { storage: onFile() };
    const before = await start({ cache });
    const ada = new Browser(before.url);
    await ada.post('/login');
    await ada.post('/remember');
    await ada.get('/visits');
    await stop(before);
    ada.moveTo((await start({ cache })).url);
    for (let requests = 0; requests < 2; requests += 1) {
      const { leftMs } = (await ada.get('/left')) as { leftMs: number };
      expect(leftMs).toBeGreaterThan(MONTH_MS - 60_000);
    }
  });

  it('fail their request where the database can not be read, and no other', async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const { url, cache } = await start({ cache: { storage, overrides: { sessions: { maxEntries: 1 } } } });
    const [ada, bob] = [new Browser(url), new Browser(url)];
    await ada.post('/login');
    await bob.post('/login');
    expect(cache.namespace(sessions).size).toBe(1);
    storage.failReads(Infinity);
    expect((await ada.request('GET', '/visits')).status).toBe(500);
    expect((await new Browser(url).request('GET', '/visits')).status).toBe(200);
    storage.heal();
    expect(await ada.get('/visits')).toEqual({ visits: 0, user: 'ada' });
  });

  it('hold no request that only reads while the database takes nothing, and fail none', async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const { url } = await start({ cache: { storage } });
    const ada = new Browser(url);
    await ada.post('/login');
    storage.hang();
    for (let requests = 0; requests < 3; requests += 1)
      expect(await ada.get('/visits')).toEqual({ visits: 0, user: 'ada' });
    storage.heal();
    expect(await ada.post('/visits')).toMatchObject({ visits: 1 });
  });

  describe.each(SHOP_DATABASES)('on two instances with $name', ({ newStorage }) => {
    it('are seen by both, and one that ends on the one is over on the other at once, with fresh', async () => {
      const cache = { storage: await newStorage(), instances: 'many' } as const;
      const [one, other] = [
        await start({ cache, store: { fresh: true } }),
        await start({ cache, store: { fresh: true } }),
      ];
      const ada = new Browser(one.url);
      await ada.post('/login');
      for (const [i, { url }] of [other, one, other].entries()) {
        ada.moveTo(url);
        expect(await ada.post('/visits')).toMatchObject({ visits: i + 1 });
      }
      ada.moveTo(one.url);
      await ada.post('/logout');
      ada.moveTo(other.url);
      expect(await ada.get('/visits')).toEqual({ visits: 0, user: null });
    });

    it('stay over when a request of the other instance ends after the logout, which somebody asked in between', async () => {
      const cache = { storage: await newStorage(), instances: 'many' } as const;
      const [one, other] = [
        await start({ cache, store: { fresh: true } }),
        await start({ cache, store: { fresh: true } }),
      ];
      const ada = new Browser(one.url);
      await ada.post('/login');
      const otherTab = ada.copy();
      const late = ada.copy().post('/held');
      await expect.poll(() => one.held.count).toBe(1);
      ada.moveTo(other.url);
      await ada.post('/logout');
      expect(await otherTab.copy().get('/visits')).toEqual({ visits: 0, user: null });
      one.held.release();
      await late;
      for (const { url } of [one, other]) {
        otherTab.moveTo(url);
        expect(await otherTab.copy().get('/visits')).toEqual({ visits: 0, user: null });
      }
    });

    it('are seen at once without it, are over within maxStaleMs, and stay so', async () => {
      // On a busy machine a look may take longer than reads wait for it, and then memory would answer.
      const options = { instances: 'many', maxStaleMs: MAX_STALE_MS, staleWhileDownMs: 0 } as const;
      const cache = { storage: await newStorage(), ...options };
      const [one, other] = [await start({ cache }), await start({ cache })];
      const ada = new Browser(one.url);
      await ada.post('/login');
      ada.moveTo(other.url);
      expect(await ada.post('/visits')).toMatchObject({ visits: 1 });
      const otherTab = ada.copy();
      ada.moveTo(one.url);
      await ada.post('/logout');
      const endedAt = performance.now();
      for (;;) {
        const askedAt = performance.now();
        // It changes the session, which is then saved at the end of the request.
        const { visits } = (await otherTab.copy().post('/visits')) as { visits: number };
        if (visits === 1) break;
        expect(askedAt - endedAt).toBeLessThan(MAX_STALE_MS);
      }
      expect(await otherTab.get('/visits')).toEqual({ visits: 0, user: null });
    });
  });
});
