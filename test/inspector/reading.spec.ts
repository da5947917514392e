import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  defineNamespace,
  json,
  numberKey,
  rich,
  stringKey,
  tupleKey,
  type CacheModuleOptions,
} from '../../src/index.js';
import type { EntriesPage } from '../../src/inspector/entries/entry-reader.js';
import type { EntryView } from '../../src/inspector/entries/entry-view.js';
import type { Overview } from '../../src/inspector/live/overview.js';
import { compareStored } from '../../src/core/keys/key-order.js';
import { MEMORY_ONLY, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../support/definitions.js';
import { tempFolder } from '../support/temp-folder.js';
import { closeApp, inspectedApp, PLATFORMS, type InspectedApp } from './support/inspected-app.js';
import type { InspectorClient } from './support/inspector-client.js';

const users = namespaceOf(ON_CHANGE, { name: 'users' });
const drafts = namespaceOf<string>(ON_SHUTDOWN, { name: 'drafts', maxEntries: 10_000 });
const states = namespaceOf(MEMORY_ONLY, { name: 'states' });
const scores = defineNamespace({
  name: 'scores',
  key: tupleKey(numberKey(), numberKey()),
  value: json<number>(),
});
const things = defineNamespace({ name: 'things', key: stringKey(), value: rich<unknown>() });
/** A name that a path would take for something else. */
const odd = namespaceOf(ON_CHANGE, { name: '../a b%2f?#' });
const namespaces = [users, drafts, states, scores, things, odd];

const folder = tempFolder();
let files = 0;
let file: string;
let options: CacheModuleOptions;

beforeEach(() => {
  file = join(folder, `${(files += 1)}.db`);
  options = { storage: { type: 'better-sqlite3', database: file }, namespaces, checkpointIntervalMs: false };
});

/** Runs statements while no application is there. */
async function withTable(...statements: readonly [sql: string, parameters?: unknown[]][]): Promise<void> {
  const source = new DataSource({ type: 'better-sqlite3', database: file });
  await source.initialize();
  for (const [sql, parameters] of statements) await source.query(sql, parameters);
  await source.destroy();
}

const INSERT = 'INSERT INTO cache_storage (namespace, key, value) VALUES (?, ?, ?)';

/** All pages, one after the other. */
async function pagesOf(client: InspectorClient, query: Record<string, string>): Promise<EntriesPage[]> {
  const pages: EntriesPage[] = [];
  let after = '';
  do {
    const page = await client.read<EntriesPage>('/api/entries', { ...query, after });
    pages.push(page);
    after = page.next ?? '';
  } while (after !== '');
  return pages;
}

const keysIn = (pages: readonly EntriesPage[]): string[] =>
  pages.flatMap(({ entries }) => entries.map(({ key }) => key));

describe.each(PLATFORMS)('an inspector on %s', (platform) => {
  const start = (inspector = {}): Promise<InspectedApp> =>
    inspectedApp({ platform, cache: options, inspector });

  it('shows the whole cache', async () => {
    const { client, cache: service } = await start();
    await service.namespace(users).set('a', 1);
    await service.namespace(users).get('a');
    await service.namespace(drafts).set('b', 'x');
    const overview = await client.read<Overview>('/api/overview');
    expect(overview).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
      pid: process.pid,
      mode: 'one',
      actions: false,
      values: true,
      health: { status: 'up', reasons: [], dirty: 1 },
      failures: [],
      instances: [{ self: true, pid: process.pid, written: 1 }],
    });
    expect(overview.database).toContain(file);
    expect(
      overview.namespaces.map(({ name, level, keyKind, shared }) => [name, level, keyKind, shared]),
    ).toEqual([
      ['users', 'on_change', 'a string', false],
      ['drafts', 'on_shutdown', 'a string', false],
      ['states', 'memory', 'a string', false],
      ['scores', 'on_change', scores.key.expects, false],
      ['things', 'on_change', 'a string', false],
      [odd.name, 'on_change', 'a string', false],
    ]);
    expect(overview.namespaces[0]).toMatchObject({
      size: 1,
      maxSize: 1000,
      hits: 1,
      hitRate: 1,
      written: 1,
      dirty: 0,
    });
    expect(overview.namespaces[1]).toMatchObject({
      dirty: 1,
      oldestUnwrittenMs: expect.any(Number) as number,
    });
  });

  it('pages through thousands of entries, stored and unwritten, in the order of scan', async () => {
    const first = await start();
    const written = Array.from({ length: 3000 }, (_, i) => `k${i * 2}`);
    await first.cache.namespace(drafts).setMany(written.map((key) => [key, 'old']));
    await closeApp(first);
    await withTable([INSERT, ['drafts', 'k100x', 'no JSON']], [INSERT, ['drafts', 'zz', '{']]);
    const { client, cache: service } = await start();
    const cache = service.namespace(drafts);
    const unwritten = Array.from({ length: 2500 }, (_, i) => `k${i * 2 + 1}`);
    await cache.setMany(unwritten.map((key) => [key, 'new']));
    await cache.set('k0', 'newer');
    await cache.delete('k2');
    const pages = await pagesOf(client, { namespace: 'drafts', limit: '173' });
    const keys = keysIn(pages);
    const expected = [...written, ...unwritten, 'k100x', 'zz']
      .filter((key) => key !== 'k2')
      .sort(compareStored);
    expect(keys).toEqual(expected);
    expect(pages.every(({ entries }) => entries.length <= 173)).toBe(true);
    const entries = pages.flatMap((page) => page.entries);
    const found = (key: string): object | undefined => entries.find((entry) => entry.key === key);
    expect(found('k0')).toMatchObject({ dirty: true, preview: '"newer"', unreadable: false });
    expect(found('k1')).toMatchObject({ dirty: true, preview: '"new"' });
    expect(found('k4')).toEqual({
      key: 'k4',
      bytes: 5,
      expiresAt: null,
      inMemory: true,
      dirty: false,
      unreadable: false,
      preview: '"old"',
    });
    expect(found('k100x')).toMatchObject({ unreadable: true, preview: 'no JSON' });
    const scanned: string[] = [];
    for await (const [key] of cache) scanned.push(key);
    expect(keys.filter((key) => key !== 'k100x' && key !== 'zz')).toEqual(scanned);
  });

  it('finds entries by the beginning of their stored keys, or by a whole key', async () => {
    const { client, cache: service } = await start();
    for (const [chat, user] of [
      [1, 2],
      [12, 3],
      [12, 45],
      [2, 1],
    ] as const)
      await service.namespace(scores).set([chat, user], 1);
    const by = async (query: Record<string, string>): Promise<string[]> =>
      keysIn(await pagesOf(client, { namespace: 'scores', ...query }));
    expect(await by({ prefix: '12' })).toEqual(['12:3', '12:45']);
    expect(await by({ prefix: '1' })).toEqual(['12:3', '12:45', '1:2']);
    expect(await by({ prefix: '12:4', limit: '1' })).toEqual(['12:45']);
    expect(await by({ key: '2:1' })).toEqual(['2:1']);
    expect(await by({ key: '2' })).toEqual([]);
    expect(await by({ prefix: '7' })).toEqual([]);
  });

  it('opens entries whose keys are hard to carry', async () => {
    const { client, cache: service } = await start();
    const keys = [
      '%',
      '%2F',
      'a/b',
      '..',
      'ключ',
      '😀',
      'a b+c&d=e#f?g',
      '"\'<>',
      '\n\t',
      '__proto__',
      'x'.repeat(512),
    ];
    for (const key of keys) await service.namespace(odd).set(key, key);
    const listed = keysIn(await pagesOf(client, { namespace: odd.name, limit: '3' }));
    expect(listed).toEqual(keys.toSorted(compareStored));
    for (const key of keys) {
      const entry = await client.read<EntryView>('/api/entry', { namespace: odd.name, key });
      expect(entry).toMatchObject({ key, value: JSON.stringify(key) });
    }
  });

  it.each([
    ['NUL', '/api/entry?namespace=users&key=a%00b', 'INVALID_KEY'],
    ['NUL in a prefix', '/api/entries?namespace=users&prefix=%00', 'INVALID_KEY'],
    ['NUL in a key to be looked for', '/api/entries?namespace=users&key=%00', 'INVALID_KEY'],
    ['no key', '/api/entry?namespace=users', 'INVALID_KEY'],
    ['a limit of none', '/api/entries?namespace=users&limit=0', 'INVALID_OPTION'],
    ['a limit of too many', '/api/entries?namespace=users&limit=201', 'INVALID_OPTION'],
    ['no number as a limit', '/api/entries?namespace=users&limit=x', 'INVALID_OPTION'],
    ['a place that is none', '/api/entries?namespace=users&after=x', 'INVALID_OPTION'],
  ])('refuses %s', async (_what, path, code) => {
    const { client } = await start();
    const { status, body } = await client.get(path);
    expect([status, JSON.parse(body)]).toMatchObject([400, { code, message: expect.any(String) as string }]);
  });

  it('does not find what is not there', async () => {
    const { client, cache: service } = await start();
    await service.namespace(users).set('gone', 1, { ttlMs: 1 });
    await expect.poll(() => service.namespace(users).get('gone'), { interval: 1 }).toBeUndefined();
    for (const key of ['none', 'gone']) {
      const { status, body } = await client.get(`/api/entry?namespace=users&key=${key}`);
      expect([status, JSON.parse(body)]).toMatchObject([404, { code: 'NO_ENTRY' }]);
    }
    for (const path of [
      '/api/entries?namespace=nobody',
      '/api/entry?namespace=nobody&key=a',
      '/api/entries',
    ]) {
      const { status, body } = await client.get(path);
      expect([status, JSON.parse(body)]).toMatchObject([404, { code: 'UNKNOWN_NAMESPACE' }]);
    }
  });

  it('shows an entry with all that is known of it', async () => {
    const { client, cache: service } = await start({ actions: true });
    const before = Math.floor(Date.now() / 1000) * 1000;
    await service
      .namespace(users)
      .set('a', { name: 'Ann', tags: ['x', 'y'], none: {}, list: [] }, { ttlMs: 60_000 });
    const entry = await client.read<EntryView>('/api/entry', { namespace: 'users', key: 'a' });
    expect(entry).toMatchObject({
      key: 'a',
      level: 'on_change',
      inMemory: true,
      dirty: false,
      unreadable: false,
      editable: true,
    });
    expect(entry.value).toBe(
      '{\n  "name": "Ann",\n  "tags": [\n    "x",\n    "y"\n  ],\n  "none": {},\n  "list": []\n}',
    );
    expect(entry.stamp).toEqual(expect.any(Number));
    expect(entry.writtenAt).toBeGreaterThanOrEqual(before);
    expect(entry.writtenAt).toBeLessThanOrEqual(Date.now());
    expect((entry.expiresAt ?? 0) - Date.now()).toBeGreaterThan(50_000);
  });

  it('shows a dirty entry before it is written, and its row after', async () => {
    const { client, cache: service } = await start();
    const cache = service.namespace(drafts);
    const read = () => client.read<EntryView>('/api/entry', { namespace: 'drafts', key: 'a' });
    await cache.set('a', 'one');
    expect(await read()).toMatchObject({ value: '"one"', dirty: true, stamp: null, writtenAt: null });
    await cache.flush();
    expect(await read()).toMatchObject({ value: '"one"', dirty: false, stamp: expect.any(Number) as number });
    await cache.set('a', 'two');
    expect(await read()).toMatchObject({ value: '"two"', dirty: true, stamp: expect.any(Number) as number });
    await cache.delete('a');
    expect((await client.get('/api/entry?namespace=drafts&key=a')).status).toBe(404);
    await cache.set('b', 'x');
    await cache.clear();
    expect(keysIn(await pagesOf(client, { namespace: 'drafts' }))).toEqual([]);
  });

  it('shows what memory alone has, whatever it is', async () => {
    const { client, cache: service } = await start({ actions: true });
    const cache = service.namespace(states);
    await cache.set('plain', { step: 1 });
    await cache.set('tricky', {
      run: () => 1,
      get trap() {
        return 1;
      },
    });
    const page = await client.read<EntriesPage>('/api/entries', { namespace: 'states' });
    expect(page.entries).toMatchObject([
      { key: 'plain', bytes: 10, inMemory: true, dirty: false, preview: '{"step":1}' },
      { key: 'tricky', bytes: null, inMemory: true, preview: expect.stringContaining('run') as string },
    ]);
    const read = (key: string) => client.read<EntryView>('/api/entry', { namespace: 'states', key });
    expect(await read('plain')).toMatchObject({
      value: '{\n  "step": 1\n}',
      editable: true,
      stamp: null,
      writtenAt: null,
    });
    expect(await read('tricky')).toMatchObject({
      value: expect.stringContaining('[Getter]') as string,
      editable: false,
    });
    await cache.setMany(Array.from({ length: 900 }, (_, i) => [`n${i}`, i]));
    expect(keysIn(await pagesOf(client, { namespace: 'states', limit: '200' }))).toEqual(
      [...cache.keys()].sort(compareStored),
    );
  });

  it('keeps every digit, and every character of values that look like JSON', async () => {
    await closeApp(await start());
    const text = '{"big":12345678901234567890123,"dup":1,"dup":2,"zero":-0,"text":"a\\u0041 { , : [ \\" ]"}';
    await withTable([INSERT, ['users', 'digits', text]]);
    const { client } = await start();
    const { value } = await client.read<EntryView>('/api/entry', { namespace: 'users', key: 'digits' });
    expect(value?.replaceAll(/\n */g, '').replaceAll('": ', '":')).toBe(text);
  });

  it('shows a value of any kind as its codec writes it', async () => {
    const { client, cache: service } = await start();
    await service.namespace(things).set('a', { at: new Date(0), big: 12n, map: new Map([[1, 2]]) });
    const { value, unreadable } = await client.read<EntryView>('/api/entry', {
      namespace: 'things',
      key: 'a',
    });
    expect(unreadable).toBe(false);
    expect(things.value.decode(value ?? '')).toEqual({ at: new Date(0), big: 12n, map: new Map([[1, 2]]) });
  });

  it('shows rows that do not decode, and why', async () => {
    await closeApp(await start());
    await withTable(
      [INSERT, ['users', 'bad', 'no JSON']],
      ["INSERT INTO cache_storage (namespace, key, value) VALUES ('users', 'blob', X'00ff')"],
      [INSERT, ['scores', 'no key', '1']],
      ["INSERT INTO cache_storage (namespace, key, value) VALUES ('users', X'ff', '1')"],
    );
    const { client, cache: service } = await start({ actions: true });
    const before = service.getStats()['users']?.unreadable;
    const { entries, keyless } = await client.read<EntriesPage>('/api/entries', { namespace: 'users' });
    expect(entries).toMatchObject([
      { key: 'bad', bytes: 7, unreadable: true, preview: 'no JSON' },
      { key: 'blob', bytes: null, unreadable: true },
    ]);
    expect(keyless).toMatchObject({ count: 1 });
    const read = (namespace: string, key: string) => client.read<EntryView>('/api/entry', { namespace, key });
    expect(await read('users', 'bad')).toMatchObject({
      unreadable: true,
      editable: true,
      value: 'no JSON',
      reason: expect.stringContaining('does not decode') as string,
    });
    expect(await read('users', 'blob')).toMatchObject({
      unreadable: true,
      reason: expect.stringContaining('not text') as string,
    });
    expect(await read('scores', 'no key')).toMatchObject({
      unreadable: true,
      editable: false,
      value: '1',
      reason: expect.stringContaining(scores.key.expects) as string,
    });
    expect(service.getStats()['users']?.unreadable).toBe(before);
  });

  it('shows the beginning of a value that is very long, and takes more pages for such', async () => {
    const { client, cache: service } = await start({ actions: true });
    const cache = service.namespace(users);
    await cache.setMany(Array.from({ length: 8 }, (_, i) => [`long${i}`, 'x'.repeat(2 ** 20)]));
    const pages = await pagesOf(client, { namespace: 'users' });
    expect(pages.length).toBeGreaterThan(1);
    expect(keysIn(pages)).toEqual(Array.from({ length: 8 }, (_, i) => `long${i}`));
    expect(pages[0]?.entries[0]?.preview).toHaveLength(120);
    const { value, truncated, editable, bytes } = await client.read<EntryView>('/api/entry', {
      namespace: 'users',
      key: 'long0',
    });
    expect([value?.length, truncated, editable, bytes]).toEqual([2 ** 20, true, false, 2 ** 20 + 2]);
  });

  it('changes nothing in memory, nor a figure', async () => {
    const first = await start();
    await first.cache.namespace(users).setMany(Array.from({ length: 20 }, (_, i) => [`k${i}`, i]));
    await closeApp(first);
    const { client, cache: service } = await start();
    const figures = () => ({ ...service.getStats()['users'] });
    const before = figures();
    await pagesOf(client, { namespace: 'users', limit: '7' });
    await client.read('/api/entry', { namespace: 'users', key: 'k3' });
    expect(figures()).toEqual(before);
  });

  it('gives no value away where values are hidden', async () => {
    await closeApp(await start());
    await withTable([INSERT, ['users', 'bad', 'SECRET {']]);
    const { client, cache: service, log } = await start({ values: false, actions: true });
    await service.namespace(users).set('a', { text: 'SECRET' });
    await service.namespace(drafts).set('b', 'SECRET');
    await service.namespace(states).set('c', { run: () => 'SECRET', text: 'SECRET' });
    const answers: string[] = [];
    const note = (answer: { readonly body: string }): void => void answers.push(answer.body);
    for (const [namespace, key] of [
      ['users', 'a'],
      ['users', 'bad'],
      ['drafts', 'b'],
      ['states', 'c'],
    ] as const) {
      note(await client.get(`/api/entries?namespace=${namespace}`));
      const entry = await client.get(`/api/entry?namespace=${namespace}&key=${key}`);
      note(entry);
      const { version } = JSON.parse(entry.body) as EntryView;
      note(await client.act('/api/entry/edit', { namespace, key, value: 'SECRET [', version }));
      note(await client.act('/api/entry/edit', { namespace, key, value: '"SECRET 2"', version: 'x' }));
      note(await client.act('/api/entry/refresh', { namespace, key }));
      note(await client.act('/api/entry/edit', { namespace, key, value: '"SECRET 3"' }));
    }
    note(await client.get('/api/overview'));
    expect(answers.join('\n')).not.toContain('SECRET');
    expect(answers.join('\n')).not.toMatch(/"(?:value|preview)":/);
    expect(log.lines.join('\n')).not.toContain('SECRET');
    expect(await service.namespace(users).get('a')).toBe('SECRET 3');
  });
});
