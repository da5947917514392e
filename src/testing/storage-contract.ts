import assert from 'node:assert/strict';
import { isNativeError } from 'node:util/types';
import type { CacheStorageAdapter, KeyRange, LoadCursor, StoredEntry } from '../index.js';
import { presentRunner, type TestRunner } from './test-runner.js';

const NOW = 1_000_000;

function row(key: string, value = JSON.stringify(key), expiresAt: number | null = null): StoredEntry {
  return { key, value, expiresAt };
}

/** Batches of megabytes take their time on a server. */
const TIMEOUT_MS = 30_000;

/** What a test is about, in its name. */
function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

export interface StorageContractOptions {
  /** What the tests call the storage. */
  readonly name: string;
  /** Gives a new, empty storage that is not open yet. Called before each test, which closes it. */
  readonly create: () => CacheStorageAdapter | Promise<CacheStorageAdapter>;
  /** Whether the storage refuses a value of null, as a table with constraints does. Default true. */
  readonly refusesNull?: boolean;
  /**
   * The functions of the test runner: `import * as runner from 'vitest'`, from `'@jest/globals'`, from `'node:test'`. Default
   * the global ones, or `node:test` where there are none.
   */
  readonly runner?: TestRunner;
}

/** Declares a test for each promise that the cache relies on a storage for, with the test runner of your choice. */
export function describeStorageContract({
  name,
  create,
  refusesNull = true,
  runner = presentRunner(),
}: StorageContractOptions): void {
  const { describe, beforeEach, afterEach } = runner;
  const it = (test: string, body: () => Promise<void>): unknown => runner.it(test, body, TIMEOUT_MS);

  describe(`storage contract: ${name}`, () => {
    let storage: CacheStorageAdapter;

    beforeEach(async () => {
      storage = await create();
      await storage.open();
    });

    afterEach(() => storage.close());

    const put = (...puts: StoredEntry[]): Promise<void> =>
      storage.write([{ namespace: 'n', puts, deletes: [] }], NOW);

    async function all(namespace = 'n', limit = 100): Promise<StoredEntry[]> {
      const rows: StoredEntry[] = [];
      let after: LoadCursor | undefined;
      do {
        const page = await storage.load(namespace, { after, limit, now: NOW });
        assert.ok(page.rows.length <= limit);
        assert.equal(page.unreadable?.count ?? 0, 0);
        rows.push(...page.rows);
        after = page.next;
      } while (after !== undefined);
      return rows;
    }

    /** The keys of a range, page by page. */
    async function listed(range: KeyRange, reverse: boolean, limit: number): Promise<string[]> {
      const keys: string[] = [];
      let after: LoadCursor | undefined;
      do {
        const page = await storage.load('n', { after, limit, now: NOW, range, reverse });
        assert.ok(page.rows.length <= limit);
        assert.equal(page.unreadable?.count ?? 0, 0);
        keys.push(...page.rows.map((entry) => entry.key));
        after = page.next;
      } while (after !== undefined);
      return keys;
    }

    it('gives what was written, and the last write of a key', async () => {
      await put(row('a'), row('b', '1'));
      await put(row('b', '2'));
      assert.deepEqual(await all(), [row('a'), row('b', '2')]);
      assert.equal((await storage.read('n', ['b', 'x', 'a'])).length, 2);
      assert.deepEqual(await storage.read('n', ['b']), [row('b', '2')]);
      assert.equal(await storage.count('n', NOW), 2);
    });

    it('deletes, in one batch with puts, and does not mind what is not there', async () => {
      await put(row('a'), row('b'));
      await storage.write([{ namespace: 'n', puts: [row('c')], deletes: ['a', 'x'] }], NOW);
      assert.deepEqual(
        (await all()).map((entry) => entry.key),
        ['b', 'c'],
      );
    });

    it('takes an empty batch', async () => {
      await storage.write([], NOW);
      await storage.write([{ namespace: 'n', puts: [], deletes: [] }], NOW);
      assert.deepEqual(await all(), []);
    });

    it('writes several namespaces at once and keeps them apart', async () => {
      await storage.write(
        [
          { namespace: 'n', puts: [row('a')], deletes: [] },
          { namespace: 'm', puts: [row('a', '2')], deletes: ['b'] },
          { namespace: 'N', puts: [row('a', '3')], deletes: [] },
        ],
        NOW,
      );
      assert.deepEqual(await all('n'), [row('a')]);
      assert.deepEqual(await all('m'), [row('a', '2')]);
      await storage.clear('n');
      assert.deepEqual(await all('n'), []);
      assert.equal((await all('m')).length, 1);
      assert.deepEqual(await all('N'), [row('a', '3')]);
    });

    if (refusesNull)
      it('applies a batch as a whole or not at all, and blames the data', async () => {
        await put(row('a', 'before'), row('gone'));
        const broken = { key: 'zzz', value: null as unknown as string, expiresAt: null };
        const many = Array.from({ length: 2500 }, (_, i) => row(`many ${i}`));
        const error: unknown = await storage
          .write(
            [
              { namespace: 'n', puts: [row('a', 'after'), ...many], deletes: ['gone'] },
              { namespace: 'other', puts: [row('a'), broken], deletes: [] },
            ],
            NOW,
          )
          .catch((reason: unknown) => reason);
        assert.ok(isNativeError(error));
        assert.equal(storage.classify(error), 'permanent');
        assert.deepEqual(await all(), [row('a', 'before'), row('gone')]);
        assert.deepEqual(await all('other'), []);
        // The same batch without the bad row: the storage is as good as before.
        await storage.write([{ namespace: 'n', puts: [row('a', 'after'), ...many], deletes: ['gone'] }], NOW);
        assert.equal(await storage.count('n', NOW), 2501);
      });

    for (const keys of [
      ['a', 'A', 'á', 'à'],
      ['a', 'a ', ' a', 'a\t'],
      ['é', 'e\u0301'],
      ['а', 'a'],
      ['😀', '😁', '\u{10FFFF}', '\uFFFD'],
      ['ß', 'ss', 'SS'],
      ["'", '"', '\\', '%', '_', '?', ';--', '`', '$1', ':a'],
      ['x'.repeat(512), 'x'.repeat(511), '😀'.repeat(512), `${'😀'.repeat(511)}😁`],
      ['null', 'NULL', 'undefined', 'true', '{}', '[]'],
      ['\r\n', '\n', '\r', '\u2028', '\u00a0', '\u200b', '\ufeff'],
      ['İ', 'i', 'I', 'ı', 'ﬁ', 'fi', '①', '1'],
      ['1', '01', '1.0', '1e0', '-0', '0'],
    ])
      it(`tells ${shown(keys)} apart by exact characters`, async () => {
        await put(...keys.map((key) => row(key)));
        assert.equal(await storage.count('n', NOW), keys.length);
        for (const key of keys) assert.deepEqual(await storage.read('n', [key]), [row(key)]);
        assert.deepEqual((await all('n', 1)).map((entry) => entry.key).toSorted(), keys.toSorted());
        await storage.write([{ namespace: 'n', puts: [], deletes: keys.slice(1) }], NOW);
        assert.deepEqual(await all(), [row(keys[0] as string)]);
      });

    for (const value of [
      '',
      ' ',
      'null',
      '0',
      '{"a":"\\u0000"}',
      '😀'.repeat(1000),
      '"\u2028"',
      "it's",
      'x'.repeat(1_000_000),
      JSON.stringify({ quotes: '"\\\''.repeat(100_000) }),
      '😀'.repeat(500_000),
    ])
      it(`brings back ${shown(value)} byte for byte`, async () => {
        await put(row('a', value));
        assert.deepEqual(await storage.read('n', ['a']), [row('a', value)]);
      });

    it('writes and reads thousands of rows at once', async () => {
      const rows = Array.from({ length: 12_345 }, (_, i) => row(`key ${String(i).padStart(6, '0')}`));
      await put(...rows.toReversed());
      assert.equal(await storage.count('n', NOW), 12_345);
      assert.deepEqual(await all('n', 1000), rows);
      const some = rows.filter((_, i) => i % 7 === 0).map((entry) => entry.key);
      assert.equal((await storage.read('n', some.slice(0, 1000))).length, 1000);
      await storage.write([{ namespace: 'n', puts: [], deletes: some }], NOW);
      assert.equal(await storage.count('n', NOW), 12_345 - some.length);
    });

    it('pages in the order of keys, and misses or repeats no row that stays while others change', async () => {
      const stays = Array.from({ length: 100 }, (_, i) => `stays ${String(i).padStart(3, '0')}`);
      await put(...stays.map((key) => row(key)));
      const seen: string[] = [];
      let after: LoadCursor | undefined;
      for (let round = 0; ; round += 1) {
        const page = await storage.load('n', { after, limit: 7, now: NOW });
        seen.push(...page.rows.map((entry) => entry.key));
        after = page.next;
        if (after === undefined) break;
        await storage.write(
          [
            {
              namespace: 'n',
              puts: [row(`a${round}`), row(`stays 050x${round}`), row(`z${round}`)],
              deletes: [`a${round - 1}`, `stays 050x${round - 1}`],
            },
          ],
          NOW,
        );
      }
      assert.deepEqual(
        seen.filter((key) => /^stays \d{3}$/.test(key)),
        stays,
      );
      assert.equal(new Set(seen).size, seen.length);
    });

    it('keeps expired rows out of loads and counts, and purges only them', async () => {
      await put(row('a'), row('old', '1', NOW), row('older', '1', NOW - 1), row('later', '1', NOW + 1));
      assert.deepEqual(
        (await all()).map((entry) => entry.key),
        ['a', 'later'],
      );
      assert.equal(await storage.count('n', NOW), 2);
      assert.deepEqual(await storage.read('n', ['old']), [row('old', '1', NOW)]);
      await storage.write([{ namespace: 'other', puts: [row('old', '1', NOW)], deletes: [] }], NOW);
      assert.equal(await storage.purgeExpired('n', NOW), 2);
      assert.equal(await storage.purgeExpired('n', NOW), 0);
      assert.equal((await storage.read('n', ['old', 'older', 'later', 'a'])).length, 2);
      assert.equal((await storage.read('other', ['old'])).length, 1);
      await put(row('later'));
      assert.deepEqual(await storage.read('n', ['later']), [row('later')]);
    });

    it('says when a row was written, to the millisecond', async () => {
      const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
      await storage.write([{ namespace: 'n', puts: [row('a'), row('b')], deletes: [] }], now);
      await storage.write([{ namespace: 'n', puts: [row('b')], deletes: [] }], now + 1);
      assert.deepEqual(
        await storage.writtenAt('n', ['a', 'b', 'x']),
        new Map([
          ['a', now],
          ['b', now + 1],
        ]),
      );
    });

    it('keeps namespaces of 128 characters apart by exact characters', async () => {
      const namespaces = ['😀'.repeat(128), `${'😀'.repeat(127)}😁`, 'É', 'é', 'é ', 'e\u0301'];
      await storage.write(
        namespaces.map((namespace) => ({ namespace, puts: [row('😀'.repeat(512), namespace)], deletes: [] })),
        NOW,
      );
      for (const namespace of namespaces)
        assert.deepEqual(await all(namespace), [row('😀'.repeat(512), namespace)]);
      await storage.clear('é');
      assert.equal(await storage.count('é ', NOW), 1);
      assert.equal(await storage.count('É', NOW), 1);
    });

    it('pages through keys of any kind, none missed and none repeated', async () => {
      const keys = [
        'a',
        'B',
        'A',
        'b',
        'ä',
        'z',
        'Z',
        '_',
        '~',
        '😀',
        '\uFFFD',
        '\u{10FFFF}',
        '0',
        '10',
        '9',
        ' ',
      ];
      await put(...keys.map((key) => row(key)));
      for (const limit of [1, 3, 5])
        assert.deepEqual((await all('n', limit)).map((entry) => entry.key).toSorted(), keys.toSorted());
    });

    describe('lists', () => {
      const keys = [
        'a',
        'a:',
        'a:1',
        'a:10',
        'a:2',
        'a\u007f',
        'a;',
        'A:1',
        'á:1',
        'b',
        '10',
        '2',
        '\ud7ff',
        '\ud7ffx',
        '\ue000',
        '\ufeff',
        '\ufffd',
        '\uffff',
        '😀',
        '😀:1',
        '😁',
        '\u{10ffff}',
        '\u{10ffff}x',
        '\u{10ffff}\u{10ffff}',
        '%',
        '_',
        'a%',
        'a_',
      ];
      const inByteOrder = keys.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
      const ofOthers = { namespace: 'm', puts: [row('a:1'), row('other')], deletes: [] };

      beforeEach(() =>
        storage.write([{ namespace: 'n', puts: keys.map((key) => row(key)), deletes: [] }, ofOthers], NOW),
      );

      it('keys in the order of their bytes, from either end', async () => {
        const range = { prefix: '', isWhole: false };
        for (const limit of [1, 4, keys.length, 100]) {
          assert.deepEqual(await listed(range, false, limit), inByteOrder);
          assert.deepEqual(await listed(range, true, limit), inByteOrder.toReversed());
        }
        assert.equal(await storage.count('n', NOW, range), keys.length);
      });

      for (const prefix of [
        'a',
        'a:',
        'a:1',
        'á',
        '%',
        '_',
        '😀',
        '\ud7ff',
        '\uffff',
        '\u{10ffff}',
        'z',
        'a:11',
      ]) {
        it(`the keys that begin with ${shown(prefix)}, and no others`, async () => {
          const expected = inByteOrder.filter((key) => key.startsWith(prefix));
          const range = { prefix, isWhole: false };
          for (const limit of [1, 2, 100]) {
            assert.deepEqual(await listed(range, false, limit), expected);
            assert.deepEqual(await listed(range, true, limit), expected.toReversed());
          }
          assert.equal(await storage.count('n', NOW, range), expected.length);
        });
      }

      it('a whole key as that key alone', async () => {
        for (const key of ['a', 'a:1', '😀', 'none']) {
          const range = { prefix: key, isWhole: true };
          const expected = keys.includes(key) ? [key] : [];
          for (const limit of [1, 2]) assert.deepEqual(await listed(range, false, limit), expected);
          assert.deepEqual(await listed(range, true, 1), expected);
          assert.equal(await storage.count('n', NOW, range), expected.length);
        }
      });

      for (const prefix of ['a', 'a:', 'a:1', '%', '_', '😀', '\ud7ff', '\uffff', '\u{10ffff}', 'z']) {
        it(`what is left when the keys that begin with ${shown(prefix)} are cleared`, async () => {
          await put(row(`${prefix} expired`, '1', NOW));
          await storage.clearRange('n', { prefix, isWhole: false });
          const range = { prefix: '', isWhole: false };
          assert.deepEqual(
            await listed(range, false, 100),
            inByteOrder.filter((key) => !key.startsWith(prefix)),
          );
          assert.deepEqual(await storage.read('n', [`${prefix} expired`]), []);
          assert.equal((await all('m')).length, 2);
        });
      }

      it('what is left when one key is cleared, or all of them', async () => {
        await storage.clearRange('n', { prefix: 'a:1', isWhole: true });
        const range = { prefix: '', isWhole: false };
        assert.deepEqual(
          await listed(range, false, 100),
          inByteOrder.filter((key) => key !== 'a:1'),
        );
        await storage.clearRange('n', range);
        assert.deepEqual(await all(), []);
        assert.equal((await all('m')).length, 2);
      });

      it('no expired row', async () => {
        await put(row('a:1', '1', NOW), row('a:10', '1', NOW + 1));
        const range = { prefix: 'a:1', isWhole: false };
        assert.deepEqual(await listed(range, false, 10), ['a:10']);
        assert.equal(await storage.count('n', NOW, range), 1);
      });
    });

    it('goes on behind the last row of a page, also when that row is gone by then', async () => {
      const keys = ['a', 'b', 'c', 'd\uFFFD', 'e', '\uFFFD', '\uFFFD\uFFFD'];
      await put(...keys.map((key) => row(key)));
      const first = await storage.load('n', { after: undefined, limit: 4, now: NOW });
      assert.deepEqual(
        first.rows.map((entry) => entry.key),
        keys.slice(0, 4),
      );
      await storage.write([{ namespace: 'n', puts: [], deletes: ['a', 'd\uFFFD'] }], NOW);
      const second = await storage.load('n', { after: first.next, limit: 3, now: NOW });
      assert.deepEqual(
        second.rows.map((entry) => entry.key),
        keys.slice(4),
      );
      const end =
        second.next === undefined
          ? []
          : (await storage.load('n', { after: second.next, limit: 3, now: NOW })).rows;
      assert.deepEqual(end, []);
    });

    it('clears what there is of a namespace, and takes it again', async () => {
      await put(...Array.from({ length: 3000 }, (_, i) => row(`${i}`)));
      await storage.clear('n');
      await storage.clear('n');
      await storage.clear('never seen');
      assert.equal(await storage.count('n', NOW), 0);
      await put(row('1'));
      assert.deepEqual(await all(), [row('1')]);
    });

    it('writes batches of every size whole', async () => {
      let size = 0;
      for (const more of [1, 2, 3, 7, 99, 100, 101, 499, 500, 501, 1000, 1001]) {
        await put(...Array.from({ length: more }, (_, i) => row(`${size + i}`)));
        size += more;
        assert.equal(await storage.count('n', NOW), size);
      }
    });

    it('holds an expiry beyond what 32 bits can', async () => {
      const expiresAt = Date.UTC(2150, 0, 1);
      await put(row('a', '1', expiresAt));
      assert.deepEqual(await storage.read('n', ['a']), [row('a', '1', expiresAt)]);
    });

    it('shows a read that overlaps a write all of it or nothing', async () => {
      const version = (n: number): StoredEntry[] =>
        Array.from({ length: 3000 }, (_, i) => row(`key ${String(i).padStart(4, '0')}`, `${n}`));
      await put(...version(0));
      for (let n = 1; n <= 5; n += 1) {
        const [, seen] = await Promise.all([put(...version(n)), storage.read('n', ['key 0000', 'key 2999'])]);
        assert.equal(new Set(seen.map((entry) => entry.value)).size, 1);
      }
    });

    it('holds a key with NUL as it is, or refuses it as data', async () => {
      const key = 'a\0b';
      const error: unknown = await put(row(key), row('a')).catch((reason: unknown) => reason);
      if (error === undefined) {
        assert.deepEqual(await storage.read('n', [key]), [row(key)]);
        assert.equal(await storage.count('n', NOW), 2);
      } else {
        assert.equal(storage.classify(error), 'permanent');
        assert.deepEqual(await all(), []);
      }
    });

    it('takes a batch of large values, whatever one statement can hold', async () => {
      const value = JSON.stringify('"x'.repeat(50_000));
      const keys = Array.from({ length: 60 }, (_, i) => `key ${String(i).padStart(2, '0')}`);
      await put(...keys.map((key) => row(key, value)));
      assert.deepEqual(
        await all(),
        keys.map((key) => row(key, value)),
      );
    });

    it('answers an empty list of keys with nothing', async () => {
      await put(row('a'));
      assert.deepEqual(await storage.read('n', []), []);
      assert.deepEqual(await storage.writtenAt('n', []), new Map());
    });

    it('takes what it does not know for a state of the storage, which may pass', async () => {
      assert.equal(storage.classify(new Error('never seen')), refusesNull ? 'transient' : 'permanent');
    });

    it('describes itself in a few words', async () => {
      assert.match(storage.describe(), /^\w.{3,}$/);
    });
  });
}
