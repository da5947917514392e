import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { beforeEach, describe, expect, it } from 'vitest';
import { InMemoryStorage, type CacheModuleOptions } from '../../src/index.js';
import type { CacheInspectorOptions } from '../../src/inspector/index.js';
import type { EntryView } from '../../src/inspector/entries/entry-view.js';
import { FaultyStorage } from '../../src/testing/index.js';
import { MEMORY_ONLY, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { tempFolder } from '../support/temp-folder.js';
import { closeApp, inspectedApp, PLATFORMS, type InspectedApp } from './support/inspected-app.js';

const users = namespaceOf(ON_CHANGE, { name: 'users' });
const drafts = namespaceOf(ON_SHUTDOWN, { name: 'drafts' });
const states = namespaceOf(MEMORY_ONLY, { name: 'states' });
const namespaces = [users, drafts, states];

const folder = tempFolder();
let files = 0;
let file: string;
let cache: CacheModuleOptions;

beforeEach(() => {
  file = join(folder, `${(files += 1)}.db`);
  cache = { storage: { type: 'better-sqlite3', database: file }, namespaces, checkpointIntervalMs: false };
});

/** Inserts a row while no application is there. */
async function insert(key: string, value: string): Promise<void> {
  const source = new DataSource({ type: 'better-sqlite3', database: file });
  await source.initialize();
  await source.query("INSERT INTO cache_storage (namespace, key, value) VALUES ('users', ?, ?)", [
    key,
    value,
  ]);
  await source.destroy();
}

describe.each(PLATFORMS)('an action on %s', (platform) => {
  const start = (inspector: CacheInspectorOptions = { actions: true }): Promise<InspectedApp> =>
    inspectedApp({ platform, cache, inspector });
  /** What the inspector has logged. */
  const audit = ({ log }: InspectedApp): string[] =>
    log.lines
      .filter((line) => line.includes(', by '))
      .map((line) => line.replace(/by (?:::ffff:)?127\.0\.0\.1/, 'by me'));

  it('is refused, and changes nothing, unless actions are on', async () => {
    const started = await start({});
    await started.cache.namespace(users).set('a', 1);
    for (const path of ['entry/delete', 'entry/edit', 'entry/refresh', 'flush', 'clear', 'reload']) {
      const { status, body } = await started.client.act(`/api/${path}`, {
        namespace: 'users',
        key: 'a',
        value: '2',
        confirm: 'users',
      });
      expect([path, status, JSON.parse(body)]).toMatchObject([path, 403, { code: 'ACTIONS_OFF' }]);
    }
    expect(await started.cache.namespace(users).get('a')).toBe(1);
    expect(await started.client.read('/api/entry', { namespace: 'users', key: 'a' })).toMatchObject({
      editable: false,
    });
    expect(audit(started)).toEqual([]);
  });

  it('deletes an entry', async () => {
    const started = await start();
    for (const definition of namespaces) {
      await started.cache.namespace(definition).set('a', 1);
      const remove = async (): Promise<unknown> =>
        JSON.parse(
          (await started.client.act('/api/entry/delete', { namespace: definition.name, key: 'a' })).body,
        );
      expect(await remove()).toEqual({ deleted: true });
      expect(await remove()).toEqual({ deleted: false });
      expect(await started.cache.namespace(definition).get('a')).toBeUndefined();
    }
    expect(audit(started)[0]).toBe("log: Delete of key 'a' in namespace 'users': done, by me.");
  });

  it('edits an entry through its codec, and keeps its expiry', async () => {
    const started = await start();
    for (const definition of namespaces) {
      const { name } = definition;
      await started.cache.namespace(definition).set('a', { n: 1 }, { ttlMs: 60_000 });
      const { version, expiresAt } = await started.client.read<EntryView>('/api/entry', {
        namespace: name,
        key: 'a',
      });
      const edited = await started.client.act('/api/entry/edit', {
        namespace: name,
        key: 'a',
        value: '{ "n": 2 }',
        version,
      });
      expect(edited.status).toBe(200);
      expect(JSON.parse(edited.body)).toMatchObject({ key: 'a', value: '{\n  "n": 2\n}', expiresAt });
      expect(await started.cache.namespace(definition).get('a')).toEqual({ n: 2 });
    }
    expect(audit(started)).toContain("log: Edit of key 'a' in namespace 'drafts': done, by me.");
    await closeApp(started);
    const again = await start();
    expect(await again.cache.namespace(users).get('a')).toEqual({ n: 2 });
    expect(await again.cache.namespace(drafts).get('a')).toEqual({ n: 2 });
  });

  it('edits nothing that has changed since it was shown', async () => {
    const started = await start();
    for (const definition of namespaces) {
      const { name } = definition;
      const entries = started.cache.namespace(definition);
      await entries.set('a', 1);
      const { version } = await started.client.read<EntryView>('/api/entry', { namespace: name, key: 'a' });
      const edit = () =>
        started.client.act('/api/entry/edit', { namespace: name, key: 'a', value: '3', version });
      await entries.set('a', 2);
      const refused = await edit();
      expect([refused.status, JSON.parse(refused.body)]).toMatchObject([409, { code: 'CONFLICT' }]);
      expect(await entries.get('a')).toBe(2);
      await entries.delete('a');
      expect((await edit()).status).toBe(409);
      expect(await entries.get('a')).toBeUndefined();
      // Back to what was shown, it is what was meant.
      await entries.set('a', 1);
      expect((await edit()).status).toBe(200);
    }
    expect(audit(started)).toContain(
      "warn: Edit of key 'a' in namespace 'states': refused or failed (CONFLICT), by me.",
    );
  });

  it('edits nothing into what is not there, or what its codec refuses', async () => {
    const started = await start();
    const edit = async (key: string, value: unknown): Promise<unknown> => {
      const { status, body } = await started.client.act('/api/entry/edit', {
        namespace: 'users',
        key,
        value,
      });
      return [status, (JSON.parse(body) as { code: string }).code];
    };
    await started.cache.namespace(users).set('a', 1);
    expect(await edit('none', '1')).toEqual([404, 'NO_ENTRY']);
    expect(await edit('a', '{"private')).toEqual([400, 'INVALID_VALUE']);
    expect(await edit('a', '')).toEqual([400, 'INVALID_VALUE']);
    expect(await edit('a', 7)).toEqual([400, 'BAD_REQUEST']);
    expect(await edit('a\0', '1')).toEqual([400, 'INVALID_KEY']);
    expect(await edit('', '1')).toEqual([400, 'INVALID_KEY']);
    expect(await started.cache.namespace(users).get('a')).toBe(1);
    expect(started.log.lines.join('\n')).not.toContain('private');
  });

  it('mends a row that does not decode, if it is the one that was shown', async () => {
    await closeApp(await start());
    await insert('bad', 'no JSON');
    await insert('worse', 'nor this');
    const started = await start();
    const { version } = await started.client.read<EntryView>('/api/entry', {
      namespace: 'users',
      key: 'bad',
    });
    const edit = (key: string, given?: string) =>
      started.client.act('/api/entry/edit', {
        namespace: 'users',
        key,
        value: '"mended"',
        ...(given && { version: given }),
      });
    expect((await edit('worse', version)).status).toBe(409);
    expect((await edit('bad', version)).status).toBe(200);
    expect((await edit('worse')).status).toBe(200);
    expect(await started.cache.namespace(users).getMany(['bad', 'worse'])).toEqual(['mended', 'mended']);
  });

  it('reads an entry anew', async () => {
    const started = await start();
    await started.cache.namespace(users).set('a', 1);
    const refresh = (key: string) => started.client.act('/api/entry/refresh', { namespace: 'users', key });
    expect(JSON.parse((await refresh('a')).body)).toMatchObject({ key: 'a', value: '1' });
    expect((await refresh('none')).status).toBe(404);
    expect(audit(started)).toEqual([
      "log: Refresh of key 'a' in namespace 'users': done, by me.",
      "warn: Refresh of key 'none' in namespace 'users': refused or failed (NO_ENTRY), by me.",
    ]);
  });

  it('writes what is dirty, of one namespace or of all', async () => {
    const started = await start();
    const entries = started.cache.namespace(drafts);
    await entries.set('a', 1);
    const one = await started.client.act('/api/flush', { namespace: 'drafts' });
    expect(JSON.parse(one.body)).toMatchObject({ written: 1, failed: 0, remaining: 0 });
    await entries.set('b', 1);
    const all = await started.client.act('/api/flush');
    expect(JSON.parse(all.body)).toMatchObject({ written: 1, remaining: 0 });
    expect(entries.stats().dirty).toBe(0);
    expect((await started.client.act('/api/flush', { namespace: 'nobody' })).status).toBe(404);
    expect(audit(started)).toEqual([
      "log: Flush of namespace 'drafts': done, by me.",
      'log: Flush: done, by me.',
    ]);
  });

  it('tells why nothing could be written', async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    cache = { ...cache, storage, instances: 'one' };
    const started = await start();
    await started.cache.namespace(drafts).set('a', 1);
    storage.failWrites(1);
    const { body } = await started.client.act('/api/flush');
    expect(JSON.parse(body)).toMatchObject({ failed: 1, remaining: 1, error: { code: 'WRITE_FAILED' } });
    storage.failReads(Infinity);
    const read = await started.client.get('/api/entry?namespace=users&key=a');
    expect([read.status, JSON.parse(read.body)]).toMatchObject([503, { code: 'READ_FAILED' }]);
    storage.heal();
  });

  it('reads everything anew', async () => {
    const started = await start();
    await started.cache.namespace(users).set('a', 1);
    const { body } = await started.client.act('/api/reload');
    expect(JSON.parse(body)).toMatchObject({ rows: 1, skipped: 0, durationMs: expect.any(Number) as number });
    expect(audit(started)).toEqual(['log: Reload from the database: done, by me.']);
  });

  it('clears a namespace for who types its name', async () => {
    const started = await start();
    const entries = started.cache.namespace(users);
    await entries.set('a', 1);
    for (const confirm of ['user', 'Users', '', undefined, true]) {
      const { status, body } = await started.client.act('/api/clear', { namespace: 'users', confirm });
      expect([status, JSON.parse(body)]).toMatchObject([400, { code: 'NOT_CONFIRMED' }]);
    }
    expect(await entries.get('a')).toBe(1);
    const cleared = await started.client.act('/api/clear', { namespace: 'users', confirm: 'users' });
    expect([cleared.status, cleared.body]).toEqual([200, '{}']);
    expect(await entries.count()).toBe(0);
    expect(audit(started).at(-1)).toBe("log: Clear of namespace 'users': done, by me.");
    expect(audit(started)[0]).toBe(
      "warn: Clear of namespace 'users': refused or failed (NOT_CONFIRMED), by me.",
    );
  });

  it('is logged with who the application says it is, on one line, with the beginning of a long key', async () => {
    const started = await start({
      actions: true,
      describe: (request: { headers: { 'x-user': string } }) => Promise.resolve(request.headers['x-user']),
    });
    const act = (key: string, user: string) =>
      started.client.act('/api/entry/delete', { namespace: 'users', key }, { 'x-user': user });
    await act(`line\n\u202Eevil\u001B[31m${'k'.repeat(200)}`, 'Ann');
    const [line = ''] = audit(started);
    expect(line).toMatch(
      /^log: Delete of key 'line\uFFFD\uFFFDevil\uFFFD\[31mk+…' in namespace 'users': done, by Ann\.$/,
    );
    expect(line.length).toBeLessThan(160);
    await act('a', 'x'.repeat(500));
    expect(audit(started)[1]?.length).toBeLessThan(220);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('secret');
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret'))],
    ['gives nothing', () => undefined as unknown as string],
    ['never answers', () => new Promise<string>(() => undefined)],
  ])('is done and logged where describe %s', async (_what, nameOf) => {
    const started = await start({ actions: true, describe: nameOf });
    expect((await started.client.act('/api/flush')).status).toBe(200);
    expect(audit(started)).toEqual(['log: Flush: done, by me (describe gave no name).']);
  });

  it.each([
    ['no object', '[]'],
    ['nothing', ''],
    ['no JSON', '{"private words'],
  ])('is refused with %s as its body', async (_what, body) => {
    const started = await start();
    const own = { 'content-type': 'application/json', 'x-cache-inspector': '1' };
    const { status } = await started.client.ask('POST', '/api/clear', own, body);
    expect(status).toBe(400);
    expect(started.log.lines.join('\n')).not.toContain('private words');
  });

  it('reads its body itself where the application does not', async () => {
    const started = await inspectedApp({
      platform: 'Express',
      cache,
      inspector: { actions: true },
      nest: { bodyParser: false },
    });
    await started.cache.namespace(users).set('a', 1);
    const { body } = await started.client.act('/api/entry/delete', { namespace: 'users', key: 'a' });
    expect(JSON.parse(body)).toEqual({ deleted: true });
    expect((await started.client.act('/api/flush', { namespace: 'x'.repeat(2 ** 22) })).status).toBe(413);
    const own = { 'content-type': 'application/json', 'x-cache-inspector': '1' };
    const bad = await started.client.ask('POST', '/api/flush', own, '{"private words');
    expect([bad.status, bad.body]).toEqual([400, expect.not.stringContaining('private') as string]);
  });
});
