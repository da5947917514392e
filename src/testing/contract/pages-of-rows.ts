import { writeChanges } from './changes.js';
import assert from 'node:assert/strict';
import type { LoadCursor } from '../../index.js';
import { NOW, row, type ContractCase } from './contract-case.js';

/** Rows come page by page, and those asked for. */
export function pagesOfRows({ storage, put, all, it }: ContractCase): void {
  it('writes and reads thousands of rows at once', async () => {
    const rows = Array.from({ length: 12_345 }, (_, i) => row(`key ${String(i).padStart(6, '0')}`));
    await put(...rows.toReversed());
    assert.equal(await storage.count('n', NOW), 12_345);
    assert.deepEqual(await all('n', 1000), rows);
    const some = rows.filter((_, i) => i % 7 === 0).map((entry) => entry.key);
    assert.equal((await storage.read('n', some.slice(0, 1000))).length, 1000);
    await writeChanges(storage, [{ namespace: 'n', deletes: some }], NOW);
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
      await writeChanges(
        storage,
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

  it('goes on behind the last row of a page, also when that row is gone by then', async () => {
    const keys = ['a', 'b', 'c', 'd\uFFFD', 'e', '\uFFFD', '\uFFFD\uFFFD'];
    await put(...keys.map((key) => row(key)));
    const first = await storage.load('n', { after: undefined, limit: 4, now: NOW });
    assert.deepEqual(
      first.rows.map((entry) => entry.key),
      keys.slice(0, 4),
    );
    await writeChanges(storage, [{ namespace: 'n', deletes: ['a', 'd\uFFFD'] }], NOW);
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

  it('answers an empty list of keys with nothing', async () => {
    await put(row('a'));
    assert.deepEqual(await storage.read('n', []), []);
  });
}
