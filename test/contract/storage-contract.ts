import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CacheStorageAdapter, StoredEntry } from '../../src/index.js';

const NOW = 1_000_000;

function row(key: string, value = JSON.stringify(key), expiresAt: number | null = null): StoredEntry {
  return { key, value, expiresAt };
}

/** What every storage promises. `create` gives a new, empty one that is not open yet. */
export function describeStorageContract(name: string, create: () => Promise<CacheStorageAdapter>): void {
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
      for (;;) {
        const page = await storage.load(namespace, { after: rows.at(-1)?.key, limit, now: NOW });
        rows.push(...page);
        if (page.length < limit) return rows;
      }
    }

    it('gives what was written, and the last write of a key', async () => {
      await put(row('a'), row('b', '1'));
      await put(row('b', '2'));
      expect(await all()).toEqual([row('a'), row('b', '2')]);
      expect(await storage.read('n', ['b', 'x', 'a'])).toHaveLength(2);
      expect(await storage.read('n', ['b'])).toEqual([row('b', '2')]);
      expect(await storage.count('n', NOW)).toBe(2);
    });

    it('deletes, in one batch with puts, and does not mind what is not there', async () => {
      await put(row('a'), row('b'));
      await storage.write([{ namespace: 'n', puts: [row('c')], deletes: ['a', 'x'] }], NOW);
      expect((await all()).map((entry) => entry.key)).toEqual(['b', 'c']);
    });

    it('takes an empty batch', async () => {
      await storage.write([], NOW);
      await storage.write([{ namespace: 'n', puts: [], deletes: [] }], NOW);
      expect(await all()).toEqual([]);
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
      expect(await all('n')).toEqual([row('a')]);
      expect(await all('m')).toEqual([row('a', '2')]);
      await storage.clear('n');
      expect(await all('n')).toEqual([]);
      expect(await all('m')).toHaveLength(1);
      expect(await all('N')).toEqual([row('a', '3')]);
    });

    it('applies a batch as a whole or not at all', async () => {
      await put(row('a', 'before'));
      const broken = { key: 'b', value: null as unknown as string, expiresAt: null };
      const many = Array.from({ length: 2500 }, (_, i) => row(`many ${i}`));
      const batch = { namespace: 'n', puts: [row('a', 'after'), ...many, broken], deletes: ['a2'] };
      // Only a storage with constraints refuses the null: what matters is that nothing of the batch is left then.
      const refused = await storage.write([batch], NOW).then(
        () => false,
        () => true,
      );
      if (refused) {
        expect(await all()).toEqual([row('a', 'before')]);
      } else {
        await storage.clear('n');
        await put(row('a', 'before'));
      }
      await put(row('c'));
      expect((await all()).map((entry) => entry.key)).toEqual(['a', 'c']);
    });

    it.each([
      [['a', 'A', 'á', 'à']],
      [['a', 'a ', ' a', 'a\t']],
      [['é', 'e\u0301']],
      [['а', 'a']],
      [['😀', '😁', '\u{10FFFF}', '\uFFFD']],
      [['ß', 'ss', 'SS']],
      [["'", '"', '\\', '%', '_', '?', ';--', '`', '$1', ':a']],
      [['x'.repeat(512), 'x'.repeat(511), '😀'.repeat(512)]],
      [['1', '01', '1.0', '1e0', '-0', '0']],
    ])('tells %o apart by exact characters', async (keys) => {
      await put(...keys.map((key) => row(key)));
      expect(await storage.count('n', NOW)).toBe(keys.length);
      for (const key of keys) expect(await storage.read('n', [key])).toEqual([row(key)]);
      expect((await all('n', 1)).map((entry) => entry.key).toSorted()).toEqual(keys.toSorted());
      await storage.write([{ namespace: 'n', puts: [], deletes: keys.slice(1) }], NOW);
      expect(await all()).toEqual([row(keys[0] as string)]);
    });

    it.each([
      '',
      ' ',
      'null',
      '0',
      '{"a":"\\u0000"}',
      '😀'.repeat(1000),
      '"\u2028"',
      "it's",
      'x'.repeat(1_000_000),
    ])('brings back the value %.20o byte for byte', async (value) => {
      await put(row('a', value));
      expect(await storage.read('n', ['a'])).toEqual([row('a', value)]);
    });

    it('writes and reads thousands of rows at once', async () => {
      const rows = Array.from({ length: 12_345 }, (_, i) => row(`key ${String(i).padStart(6, '0')}`));
      await put(...rows.toReversed());
      expect(await storage.count('n', NOW)).toBe(12_345);
      expect(await all('n', 1000)).toEqual(rows);
      const some = rows.filter((_, i) => i % 7 === 0).map((entry) => entry.key);
      expect(await storage.read('n', some.slice(0, 1000))).toHaveLength(1000);
      await storage.write([{ namespace: 'n', puts: [], deletes: some }], NOW);
      expect(await storage.count('n', NOW)).toBe(12_345 - some.length);
    });

    it('pages in the order of keys, and misses or repeats no row that stays while others change', async () => {
      const stays = Array.from({ length: 100 }, (_, i) => `stays ${String(i).padStart(3, '0')}`);
      await put(...stays.map((key) => row(key)));
      const seen: string[] = [];
      let after: string | undefined;
      for (let round = 0; ; round += 1) {
        const page = await storage.load('n', { after, limit: 7, now: NOW });
        seen.push(...page.map((entry) => entry.key));
        if (page.length < 7) break;
        after = page.at(-1)?.key;
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
      expect(seen.filter((key) => /^stays \d{3}$/.test(key))).toEqual(stays);
      expect(new Set(seen).size).toBe(seen.length);
    });

    it('keeps expired rows out of loads and counts, and purges only them', async () => {
      await put(row('a'), row('old', '1', NOW), row('older', '1', NOW - 1), row('later', '1', NOW + 1));
      expect((await all()).map((entry) => entry.key)).toEqual(['a', 'later']);
      expect(await storage.count('n', NOW)).toBe(2);
      expect(await storage.read('n', ['old'])).toEqual([row('old', '1', NOW)]);
      await storage.write([{ namespace: 'other', puts: [row('old', '1', NOW)], deletes: [] }], NOW);
      expect(await storage.purgeExpired('n', NOW)).toBe(2);
      expect(await storage.purgeExpired('n', NOW)).toBe(0);
      expect(await storage.read('n', ['old', 'older', 'later', 'a'])).toHaveLength(2);
      expect(await storage.read('other', ['old'])).toHaveLength(1);
      await put(row('later'));
      expect(await storage.read('n', ['later'])).toEqual([row('later')]);
    });

    it('says when a row was written, to the millisecond', async () => {
      const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
      await storage.write([{ namespace: 'n', puts: [row('a'), row('b')], deletes: [] }], now);
      await storage.write([{ namespace: 'n', puts: [row('b')], deletes: [] }], now + 1);
      expect(await storage.writtenAt('n', ['a', 'b', 'x'])).toEqual(
        new Map([
          ['a', now],
          ['b', now + 1],
        ]),
      );
    });

    it('holds an expiry beyond what 32 bits can', async () => {
      const expiresAt = Date.UTC(2150, 0, 1);
      await put(row('a', '1', expiresAt));
      expect(await storage.read('n', ['a'])).toEqual([row('a', '1', expiresAt)]);
    });

    it('shows a read that overlaps a write all of it or nothing', async () => {
      const version = (n: number): StoredEntry[] =>
        Array.from({ length: 3000 }, (_, i) => row(`key ${String(i).padStart(4, '0')}`, `${n}`));
      await put(...version(0));
      for (let n = 1; n <= 5; n += 1) {
        const [, seen] = await Promise.all([put(...version(n)), storage.read('n', ['key 0000', 'key 2999'])]);
        expect(new Set(seen.map((entry) => entry.value)).size).toBe(1);
      }
    });

    it('describes itself without a password', () => {
      expect(storage.describe()).toEqual(expect.any(String));
    });
  });
}
