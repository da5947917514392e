import assert from 'node:assert/strict';
import type { Stamp, StampedEntry } from '../../index.js';
import { STAMP } from './changes.js';
import { NOW, row, type ContractCase } from './contract-case.js';
import { byKey, kindsOf, OTHER, remove, SECOND, store, writesTo } from './row-writes.js';

/** What is expected of a row holds for many of them, for any key, and for large values. */
export function manyConditionalRows({ storage, put, all, it }: ContractCase): void {
  const { writeEach } = writesTo(storage);

  for (const expected of ['present', 'absent'] as const)
    it(`writes 1000 rows expected ${expected}, every third of them in conflict`, async () => {
      const keys = Array.from({ length: 1000 }, (_, i) => `key ${String(i).padStart(3, '0')}`);
      const loses = (i: number): boolean => i % 3 === 0;
      const isThere = (i: number): boolean => loses(i) === (expected === 'absent');
      await put(...keys.filter((_, i) => isThere(i) || expected === 'present').map((key) => row(key, '1')));
      const expects = (i: number): Stamp | null => (expected === 'absent' ? null : loses(i) ? OTHER : STAMP);
      // Not in order of key, in two ways.
      const order = keys.map((_, i) => (i * 7) % 1000);
      const outcomes = await writeEach(order.map((i) => store(keys[i] as string, `${i}`, expects(i))));
      assert.deepEqual(
        kindsOf(outcomes),
        order.map((i) => (loses(i) ? 'conflict' : 'committed')),
      );
      assert.deepEqual(
        await all(),
        keys.map((key, i) => (loses(i) ? row(key, '1') : row(key, `${i}`, null, SECOND))),
      );
      const removals = await writeEach(keys.map((key) => remove(key, STAMP)));
      assert.equal(kindsOf(removals).filter((kind) => kind === 'committed').length, 334);
      assert.equal(await storage.count('n', NOW), 666);
    });

  for (const keys of [
    ['a', 'A', 'á', 'a ', ' a', 'a\t', 'e\u0301', 'é'],
    ["'", '"', '\\', '\\"', '%', '_', '?', ';--', '`', '$1', ':a', '{}', '[]', 'null', ',', '\n', '\u2028'],
    ['😀', '😁', '\u{10FFFF}', '\uFFFD', '\ufeff', 'ß', 'ss', '1', '01', '1.0', '-0', '0'],
    ['x'.repeat(512), 'x'.repeat(511), '😀'.repeat(512), `${'😀'.repeat(511)}😁`],
  ])
    it(`tells such keys apart as ${JSON.stringify(keys[0]?.slice(0, 8))}`, async () => {
      for (const [i, key] of keys.entries())
        assert.deepEqual(kindsOf(await writeEach([store(key, key, null)], STAMP + i)), ['committed']);
      assert.deepEqual(
        kindsOf(await writeEach(keys.map((key) => store(key, 'lost', null)))),
        keys.map(() => 'conflict'),
      );
      // Each row has a stamp of its own. All but the first are expected to have that.
      const outcomes = await writeEach(
        keys.map((key, i) => store(key, `${key} 2`, i === 0 ? OTHER * 2 : STAMP + i)),
        OTHER * 3,
      );
      assert.deepEqual(
        kindsOf(outcomes),
        keys.map((_, i) => (i === 0 ? 'conflict' : 'committed')),
      );
      assert.deepEqual(
        byKey(await all()),
        byKey(keys.map((key, i) => (i === 0 ? row(key, key) : row(key, `${key} 2`, null, OTHER * 3)))),
      );
      const removals = await writeEach(keys.map((key, i) => remove(key, i === 0 ? STAMP : OTHER * 3)));
      assert.deepEqual(
        kindsOf(removals),
        keys.map(() => 'committed'),
      );
      assert.deepEqual(await all(), []);
    });

  it('takes large values, whatever one statement can hold', async () => {
    const value = (text: string): string => JSON.stringify(`"${text}😀`.repeat(25_000));
    const keys = Array.from({ length: 60 }, (_, i) => `key ${String(i).padStart(2, '0')}`);
    const expected = (text: string, stamp: Stamp): StampedEntry[] =>
      keys.map((key) => row(key, value(text), null, stamp));
    for (const [text, expects, stamp] of [
      ['x', null, STAMP],
      ['y', STAMP, SECOND],
    ] as const) {
      const outcomes = await writeEach(
        keys.map((key) => store(key, value(text), expects)),
        stamp,
      );
      assert.ok(kindsOf(outcomes).every((kind) => kind === 'committed'));
      assert.deepEqual(await all(), expected(text, stamp));
    }
  });

  it('shows a read that overlaps all of it or nothing', async () => {
    const keys = Array.from({ length: 2000 }, (_, i) => `key ${String(i).padStart(4, '0')}`);
    await put(...keys.map((key) => row(key, '0')));
    for (let n = 1; n <= 5; n += 1) {
      const atoms = keys.map((key) => store(key, `${n}`, STAMP + n - 1));
      const [outcomes, seen] = await Promise.all([
        writeEach(atoms, STAMP + n),
        storage.read('n', ['key 0000', 'key 1999']),
      ]);
      assert.ok(kindsOf(outcomes).every((kind) => kind === 'committed'));
      assert.equal(new Set(seen.map((entry) => entry.value)).size, 1);
    }
  });

  it('holds a key with NUL as it is, or refuses it as data', async () => {
    const key = 'a\0b';
    const result = await writeEach([store(key, '1', null), store('a', '1', null)], STAMP).catch(
      (reason: unknown) => ({ reason }),
    );
    if ('reason' in result) {
      assert.equal(storage.classify(result.reason), 'permanent');
      assert.deepEqual(await all(), []);
    } else if (result[0]?.kind === 'committed') {
      const outcomes = await writeEach([store(key, '2', STAMP), store('a', '2', OTHER)]);
      assert.deepEqual(kindsOf(outcomes), ['committed', 'conflict']);
      assert.deepEqual(await storage.read('n', [key]), [row(key, '2', null, SECOND)]);
      assert.deepEqual(kindsOf(await writeEach([remove(key, SECOND), remove('a', STAMP)])), [
        'committed',
        'committed',
      ]);
    } else {
      assert.deepEqual(kindsOf(result), ['refused', 'committed']);
      assert.deepEqual(await all(), [row('a', '1')]);
    }
  });
}
