import { createHash } from 'node:crypto';
import { tracingChannel } from 'node:diagnostics_channel';
import { Keyv } from 'keyv';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMIT_CHANNEL, type CommitTrace } from '../../../src/index.js';
import { DurableKeyvStore } from '../../../src/integrations/keyv/index.js';
import { sqliteFiles } from '../../contract/sql-storage.js';
import { errorWith, namespaceOf, ON_CHANGE } from '../../support/definitions.js';
import { KeyvApp } from './support/keyv-app.js';

const newFile = sqliteFiles();
const URL_OF_A_REPORT = `/reports?${'ids=1234&'.repeat(60)}`;

/** What Keyv 5 makes of a value where it has no time to live. */
const serialised = (value: unknown): string => JSON.stringify({ value });
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function all<T>(entries: AsyncIterable<T> | undefined): Promise<T[]> {
  const found: T[] = [];
  for await (const entry of entries ?? []) found.push(entry);
  return found;
}

describe('a store for Keyv', () => {
  let app: KeyvApp;

  beforeEach(async () => {
    app = new KeyvApp({ storage: { type: 'better-sqlite3', database: newFile() } });
    await app.start();
  });

  afterEach(() => app.stop());

  // Keyv's own name of it where none is given.
  const newKeyv = (namespace = 'keyv'): Keyv =>
    new Keyv({ store: app.newStore(), namespace, throwOnErrors: true });

  it('gives after a restart what was set before, and nothing of what was deleted', async () => {
    const keyv = newKeyv();
    await keyv.set('kept', { roles: ['admin'], photo: Buffer.from('png') });
    await keyv.set('deleted', 1);
    await keyv.delete('deleted');
    await app.restart();
    expect(await newKeyv().get(['kept', 'deleted'])).toEqual([
      { roles: ['admin'], photo: Buffer.from('png') },
      undefined,
    ]);
  });

  it('keeps what Keyv hands over as it is where its serialisation is turned off, over a restart too', async () => {
    const value = { at: new Date(0), tags: new Set(['a']), nothing: undefined };
    const plain = newKeyv();
    plain.serialize = undefined;
    plain.deserialize = undefined;
    await plain.set('a', value);
    expect(await plain.get('a')).toEqual(value);
    await app.restart();
    expect(await app.newStore().get('keyv:a')).toEqual({ value, expires: undefined });
  });

  it('takes any string that a serialisation makes, over a restart too', async () => {
    const text = '\0 \u{1F600} \uD800 $ " \u2028';
    await app.newStore().set('a', text);
    await app.restart();
    expect(await app.newStore().get('a')).toBe(text);
  });

  it('answers setMany with a boolean for each, as Keyv passes it on', async () => {
    const keyv = newKeyv();
    const entries = [
      { key: 'a', value: 1 },
      { key: 'b', value: 2, ttl: 60_000 },
    ];
    expect(await keyv.setMany(entries)).toEqual([true, true]);
    expect(await keyv.getMany(['a', 'b', 'c'])).toEqual([1, 2, undefined]);
    expect(await keyv.has(['a', 'b', 'c'])).toEqual([true, true, false]);
  });

  it('stores what is set many at a time in one commit', async () => {
    const commits: CommitTrace[] = [];
    const count = { start: (trace: object) => void commits.push(trace as CommitTrace) };
    const channel = tracingChannel<object>(COMMIT_CHANNEL);
    channel.subscribe(count as never);
    await newKeyv().setMany(Array.from({ length: 100 }, (_, i) => ({ key: String(i), value: i })));
    channel.unsubscribe(count as never);
    expect(commits.filter(({ operation }) => operation === 'write')).toHaveLength(1);
    expect(await app.entries.count()).toBe(100);
  });

  it('stays open when Keyv disconnects', async () => {
    const keyv = newKeyv();
    await keyv.disconnect();
    await keyv.set('a', 1);
    await app.restart();
    expect(await newKeyv().get('a')).toBe(1);
  });

  describe('of a long key', () => {
    it('stores the first 400 characters with a hash, and the whole key beside the value', async () => {
      const key = URL_OF_A_REPORT;
      await app.newStore().set(key, 'report');
      await app.stop();
      await app.start();
      expect(await all(app.entries.scan())).toEqual([
        [`${key.slice(0, 400)}#${sha256(key)}`, ['report', key]],
      ]);
    });

    it('tells keys apart that differ at the end alone, reads them by the whole key and lists them by it', async () => {
      const keyv = newKeyv('responses');
      const keys = [`${URL_OF_A_REPORT}page=1`, `${URL_OF_A_REPORT}page=2`];
      for (const key of keys) await keyv.set(key, key.slice(-1));
      await app.restart();
      const after = newKeyv('responses');
      expect(await after.get([...keys, `${URL_OF_A_REPORT}page=3`])).toEqual(['1', '2', undefined]);
      expect(await all(after.iterator?.(undefined))).toEqual(
        expect.arrayContaining(keys.map((key) => [key, key.slice(-1)])),
      );
      expect(await after.delete(keys[0] as string)).toBe(true);
      expect(await after.has(keys)).toEqual([false, true]);
    });

    it('gives nothing where the row of its stored form is that of another key', async () => {
      const stored = `${URL_OF_A_REPORT.slice(0, 400)}#${sha256(URL_OF_A_REPORT)}`;
      await app.entries.set(stored, ['of another', `${URL_OF_A_REPORT}&`]);
      const store = app.newStore();
      expect(await store.get(URL_OF_A_REPORT)).toBeUndefined();
      expect(await store.getMany([URL_OF_A_REPORT])).toEqual([undefined]);
      expect(await store.has(URL_OF_A_REPORT)).toBe(false);
    });

    it('takes nobody in with a key that is spelled as its stored form', async () => {
      const store = app.newStore();
      const spelled = `${URL_OF_A_REPORT.slice(0, 400)}#${sha256(URL_OF_A_REPORT)}`;
      await store.set(URL_OF_A_REPORT, 'report');
      await store.set(spelled, 'spelled');
      expect(await store.getMany([URL_OF_A_REPORT, spelled])).toEqual(['report', 'spelled']);
      await store.delete(spelled);
      expect(await store.get(URL_OF_A_REPORT)).toBe('report');
    });

    it.each([
      ['512 characters are stored as they are', 'k'.repeat(512), true],
      ['513 are not', 'k'.repeat(513), false],
      ['512 outside the basic plane are', '\u{1F600}'.repeat(512), true],
      ['513 of those are not, and none is cut in half', '\u{1F600}'.repeat(513), false],
      ['an odd unit before them cuts none in half', `k${'\u{1F600}'.repeat(512)}`, false],
    ])('%s', async (_what, key, isWhole) => {
      await app.newStore().set(key, 1);
      const [[stored] = []] = await all(app.entries.scan());
      expect(stored === key).toBe(isWhole);
      expect(key.startsWith(String(stored).split('#')[0] as string)).toBe(true);
      await app.restart();
      expect(await app.newStore().get(key)).toBe(1);
    });
  });

  describe('of a key that the cache refuses', () => {
    const long = 'k'.repeat(600);

    it.each([
      ['an empty one', ''],
      ['one with NUL', 'a\0b'],
      ['one with half of a surrogate pair', 'a\uD800'],
      ['a long one with NUL at its end', `${long}\0`],
      ['a long one with half of a surrogate pair at its end', `${long}\uD800`],
      ['a number', 5 as never],
    ])('rejects with its code and its remedy: %s', async (_what, key) => {
      const store = app.newStore();
      const refused = errorWith('INVALID_KEY');
      await expect(store.get(key)).rejects.toThrow(refused);
      await expect(store.getMany(['fine', key])).rejects.toThrow(refused);
      await expect(store.has(key)).rejects.toThrow(refused);
      await expect(store.hasMany([key])).rejects.toThrow(refused);
      await expect(store.set(key, 1)).rejects.toThrow(/Use |Remove |Pass /);
      await expect(store.setMany([{ key, value: 1 }])).rejects.toThrow(refused);
      await expect(store.delete(key)).rejects.toThrow(refused);
      await expect(store.deleteMany([key])).rejects.toThrow(refused);
      expect(await app.entries.count()).toBe(0);
    });
  });

  it('takes an empty key of a Keyv with a namespace, which Keyv puts before it', async () => {
    const keyv = newKeyv();
    await keyv.set('', 1);
    expect(await keyv.get('')).toBe(1);
    expect(await app.entries.has('keyv:')).toBe(true);
  });

  describe('with namespaces of Keyv', () => {
    const first = () => newKeyv('first');
    const second = () => newKeyv('second');

    beforeEach(async () => {
      for (const keyv of [first(), second()]) {
        await keyv.set('a', keyv.namespace);
        await keyv.set(URL_OF_A_REPORT, keyv.namespace);
      }
    });

    it('clears the one that is cleared, long keys included, and no other', async () => {
      await first().clear();
      await app.restart();
      expect(await first().get(['a', URL_OF_A_REPORT])).toEqual([undefined, undefined]);
      expect(await second().get(['a', URL_OF_A_REPORT])).toEqual(['second', 'second']);
    });

    it('clears none whose name begins alike', async () => {
      await newKeyv('fir').clear();
      expect(await first().get('a')).toBe('first');
    });

    it('lists the one that is listed', async () => {
      expect(await all(second().iterator?.(undefined))).toEqual([
        [URL_OF_A_REPORT, 'second'],
        ['a', 'second'],
      ]);
    });

    it('lists and clears all of them where Keyv has none', async () => {
      const store = app.newStore();
      expect(await all(store.iterator())).toHaveLength(4);
      await store.clear();
      expect(await all(store.iterator())).toEqual([]);
    });

    it('refuses to clear or list one whose name is too long to be found by', async () => {
      const store = app.newStore();
      store.namespace = 'n'.repeat(400);
      const refused = errorWith('INVALID_OPTION');
      await expect(store.clear()).rejects.toThrow(refused);
      await expect(store.iterator(store.namespace).next()).rejects.toThrow(refused);
      expect(await app.entries.count()).toBe(4);
      store.namespace = 'n'.repeat(399);
      await store.set(`${store.namespace}:${URL_OF_A_REPORT}`, serialised(1));
      await store.clear();
      expect(await app.entries.count()).toBe(4);
    });
  });

  it('is refused on a namespace that is not for Keyv, or not in use', () => {
    const refused = errorWith('INVALID_OPTION');
    expect(() => new DurableKeyvStore(app.entries.definition as never)).toThrow(refused);
    expect(() => new DurableKeyvStore(undefined as never)).toThrow(/@InjectNamespace\(definition\)/);
    const other = { definition: namespaceOf(ON_CHANGE) };
    expect(() => new DurableKeyvStore(other as never)).toThrow(refused);
  });
});
