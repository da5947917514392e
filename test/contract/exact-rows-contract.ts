import { DataSource, type DataSourceOptions, type QueryRunner } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keysFrom, wholeKey } from '../../src/core/keys/key-range.js';
import { connectionOf } from '../../src/storage/connection-options.js';
import type { ExactRow } from '../../src/storage/listed-storage.js';
import type { ExactRows } from '../../src/storage/sql/exact-rows.js';
import { storageOn } from './sql-storage.js';

const NOW = 1_000_000;

function row(key: string, more: Partial<ExactRow> = {}): ExactRow {
  return { key, value: JSON.stringify(key), expiresAt: null, writtenAt: NOW, ...more };
}

/** What every database's exact reading and storing of rows promises. `create` gives the options of an empty database. */
export function describeExactRows(
  name: string,
  create: () => Promise<DataSourceOptions>,
  rowsOf: (dataSource: DataSource) => ExactRows,
): void {
  describe(`exact rows: ${name}`, () => {
    let dataSource: DataSource;
    let runner: QueryRunner;
    let rows: ExactRows;

    beforeEach(async () => {
      const options = await create();
      const storage = storageOn(options);
      await storage.open();
      await storage.close();
      dataSource = await new DataSource(connectionOf(options).options).initialize();
      runner = dataSource.createQueryRunner();
      rows = rowsOf(dataSource);
    });

    afterEach(async () => {
      await runner.release();
      await dataSource.destroy();
    });

    async function store(namespace: string, ...some: ExactRow[]): Promise<void> {
      for (const { sql, parameters } of rows.store(namespace, some)) await runner.query(sql, parameters);
    }

    async function keysOf(namespace: string, limit: number): Promise<string[]> {
      const keys: string[] = [];
      let after;
      do {
        const page = await rows.keys(runner, namespace, { after, limit, now: NOW });
        expect(page.refused).toEqual([]);
        expect(page.keys.length).toBeLessThanOrEqual(limit);
        keys.push(...page.keys.map(({ key }) => key));
        after = page.next;
      } while (after !== undefined);
      return keys;
    }

    const byKey = (some: readonly ExactRow[]): ExactRow[] =>
      some.toSorted((a, b) => (a.key < b.key ? -1 : 1));

    it('names the namespaces that have rows, by exact characters', async () => {
      const names = ['b', 'a', 'A', 'a ', '__proto__', '😀', '\uFFFD'];
      for (const namespace of names) await store(namespace, row('k'));
      expect(await rows.names(runner)).toEqual({ names: names.toSorted(), stray: [] });
    });

    it('pages through keys of any kind, none missed and none repeated, and leaves out what has expired', async () => {
      const keys = [
        'a',
        'A',
        'ä',
        'z',
        '_',
        '😀',
        '\uFFFD',
        '\uFFFDa',
        '\u{10FFFF}',
        '0',
        '10',
        '9',
        ' ',
        'a ',
        "'",
      ];
      await store('n', ...keys.map((key) => row(key)), row('old', { expiresAt: NOW }));
      await store('other', row('k'));
      for (const limit of [1, 3, 15, 100])
        expect((await keysOf('n', limit)).toSorted()).toEqual(keys.toSorted());
    });

    it('gives rows as they were stored, each with its own time or none, and the last of a key', async () => {
      const some = [
        row('a', { writtenAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678) }),
        row('b', { writtenAt: null }),
        row('c', { value: '"\uFFFD😀\\"\'\n"', expiresAt: 9_007_199_254_740_991 }),
        row('d', { value: 'x'.repeat(100_000) }),
        row('e', { value: '' }),
      ];
      await store('n', row('a', { value: 'before' }));
      await store('n', ...some);
      const read = await rows.read(runner, 'n', ['a', 'b', 'c', 'd', 'e', 'none']);
      expect(byKey(read.rows)).toEqual(some);
      expect(read.refused).toEqual([]);
    });

    it('stores a row whose time is unclear without one', async () => {
      await store('n', row('a', { writtenAt: 'unclear' }));
      expect((await rows.read(runner, 'n', ['a'])).rows).toEqual([row('a', { writtenAt: null })]);
    });

    it('tells sizes that are at least those of the values, so far as rows are there', async () => {
      await store('n', row('a', { value: 'é'.repeat(1000) }), row('b', { value: '' }));
      const sizes = new Map((await rows.sizes(runner, 'n', ['a', 'b'])).map(({ key, size }) => [key, size]));
      expect(sizes.get('a')).toBeGreaterThanOrEqual(2000);
      expect(sizes.size).toBe(2);
      const [first] = (await rows.keys(runner, 'n', { after: undefined, limit: 1, now: NOW })).keys;
      expect(first?.size).toBeGreaterThanOrEqual(2000);
    });

    it('gives the keys of a range in either direction, with what is known of their rows', async () => {
      await store(
        'n',
        row('a'),
        row('b', { expiresAt: NOW + 1 }),
        row('b1', { expiresAt: NOW }),
        row('b2'),
        row('c'),
      );
      const pageOf = async (reverse: boolean): Promise<unknown[]> => {
        const page = { after: undefined, limit: 10, now: NOW, range: keysFrom('b'), reverse };
        return (await rows.keys(runner, 'n', page)).keys.map(({ key, expiresAt }) => [key, expiresAt]);
      };
      const expected = [
        ['b', NOW + 1],
        ['b2', null],
      ];
      expect(await pageOf(false)).toEqual(expected);
      expect(await pageOf(true)).toEqual(expected.toReversed());
      const whole = { after: undefined, limit: 10, now: NOW, range: wholeKey('b') };
      expect((await rows.keys(runner, 'n', whole)).keys.map(({ key }) => key)).toEqual(['b']);
    });

    it('counts what each namespace has, by exact characters', async () => {
      await store('n', row('a'), row('b', { expiresAt: NOW }), row('c', { expiresAt: NOW + 1 }));
      await store('N', row('a'));
      const found = (await rows.figures(runner, NOW)).map(({ namespace, rows: count, expired }) => [
        namespace,
        count,
        expired,
      ]);
      expect(found).toEqual([
        ['N', 1, 0],
        ['n', 3, 1],
      ]);
    });

    it('stores and reads thousands of rows at once', async () => {
      const some = Array.from({ length: 2345 }, (_, i) =>
        row(`key ${String(i).padStart(6, '0')}`, { writtenAt: NOW + i }),
      );
      await store('n', ...some);
      const keys = await keysOf('n', 1000);
      expect(keys).toEqual(some.map(({ key }) => key));
      expect(byKey((await rows.read(runner, 'n', keys)).rows)).toEqual(some);
    });

    it('answers an empty list of keys with nothing', async () => {
      expect(await rows.read(runner, 'n', [])).toEqual({ rows: [], refused: [] });
      expect(await rows.sizes(runner, 'n', [])).toEqual([]);
    });
  });
}
