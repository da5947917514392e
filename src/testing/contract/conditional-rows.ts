import assert from 'node:assert/strict';
import type { Atom, Stamp } from '../../index.js';
import { STAMP } from './changes.js';
import { NOW, row, type ContractCase } from './contract-case.js';
import { byKey, kindsOf, OTHER, remove, SECOND, store, writesTo } from './row-writes.js';

/** A row is written only where it is what it is expected to be (compare-and-set). */
export function conditionalRows({ storage, put, all, it, refusesNull }: ContractCase): void {
  const { write, writeEach } = writesTo(storage);

  it('gives each row with the stamp of the commit that wrote it', async () => {
    await put(row('a'), row('b'));
    await writeEach([store('b', '2', undefined)], SECOND);
    assert.deepEqual(await all(), [row('a'), row('b', '2', null, SECOND)]);
    assert.deepEqual(await storage.read('n', ['b']), [row('b', '2', null, SECOND)]);
  });

  it('writes what is as expected and nothing else, and says of each atom what became of it, in their order', async () => {
    await put(...['p1', 'p2', 'd1', 'd2', 'there', 'blind', 'gone'].map((key) => row(key, '1')));
    const outcomes = await writeEach([
      remove('d2', OTHER),
      store('p1', '2', STAMP),
      store('there', '2', null),
      store('new', '2', null),
      store('blind', '2', undefined),
      remove('d1', STAMP),
      store('p2', '2', OTHER),
      store('missing', '2', STAMP),
      remove('gone', undefined),
      remove('missing too', STAMP),
      store('a blind one', '2', undefined),
    ]);
    assert.deepEqual(kindsOf(outcomes), [
      'conflict',
      'committed',
      'conflict',
      'committed',
      'committed',
      'committed',
      'conflict',
      'conflict',
      'committed',
      'conflict',
      'committed',
    ]);
    const written = ['a blind one', 'blind', 'new', 'p1'].map((key) => row(key, '2', null, SECOND));
    const left = ['d2', 'p2', 'there'].map((key) => row(key, '1'));
    assert.deepEqual(byKey(await all()), byKey([...written, ...left]));
  });

  for (const [kind, winner, loser, won] of [
    [
      'a store that expects a row',
      store('a', '2', STAMP),
      store('a', '2', OTHER),
      [row('a', '2', null, SECOND)],
    ],
    [
      'a store that expects none',
      store('b', '2', null),
      store('a', '2', null),
      [row('a', '1'), row('b', '2', null, SECOND)],
    ],
    ['a removal that expects a row', remove('a', STAMP), remove('a', OTHER), []],
    ['a removal that expects none', remove('b', null), remove('a', null), [row('a', '1')]],
  ] as const)
    it(`takes ${kind} alone`, async () => {
      await put(row('a', '1'));
      assert.deepEqual(kindsOf(await writeEach([loser])), ['conflict']);
      assert.deepEqual(await all(), [row('a', '1')]);
      assert.deepEqual(kindsOf(await writeEach([winner])), ['committed']);
      assert.deepEqual(await all(), won);
    });

  it('tells winners from losers among many rows that are all to be there, lasting or not', async () => {
    const keys = Array.from({ length: 100 }, (_, i) => `${i % 2 === 0 ? ' 7' : 'ключ"\\'}${i}`);
    const isLost = (i: number): boolean => i % 3 === 1;
    const isGone = (i: number): boolean => i % 9 === 1;
    for (const [expiresAt, stamp] of [
      [null, SECOND],
      [NOW + 1, SECOND + 1],
    ] as const) {
      await writeEach(
        keys.map((key, i) => (isGone(i) ? remove(key, undefined) : store(key, '1', undefined))),
        STAMP,
      );
      const atoms = keys.map((key, i) => [
        { ...store(key, `${i}`, isLost(i) ? OTHER : STAMP), expiresAt: i % 5 === 0 ? null : expiresAt },
      ]);
      const outcomes = await write(atoms, stamp);
      assert.deepEqual(
        kindsOf(outcomes),
        keys.map((_, i) => (isLost(i) ? 'conflict' : 'committed')),
      );
      const left = keys.flatMap((key, i) => {
        if (isGone(i)) return [];
        return isLost(i) ? [row(key, '1')] : [row(key, `${i}`, i % 5 === 0 ? null : expiresAt, stamp)];
      });
      assert.deepEqual(byKey(await storage.read('n', keys)), byKey(left));
      // All of them win, and then all of them lose.
      await writeEach(
        left.map(({ key }) => store(key, '3', undefined)),
        STAMP,
      );
      const next = left.map(({ key }) => store(key, '4', STAMP));
      assert.deepEqual(new Set(kindsOf(await writeEach(next, OTHER))), new Set(['committed']));
      assert.deepEqual(new Set(kindsOf(await writeEach(next, OTHER))), new Set(['conflict']));
    }
  });

  it('writes nothing of an atom that loses a row, wherever it stands, and the other atoms whole', async () => {
    await put(row('from', '1'), row('to', '1'), row('x', '1'), row('y', '1'), row('z', '1'));
    const outcomes = await write([
      [store('m1', '2', null), remove('from', OTHER)],
      [store('x', '2', STAMP), store('m2', '2', null)],
      [remove('y', STAMP), store('to', '2', null)],
      [store('m3', '2', undefined), store('z', '2', OTHER), remove('to', undefined)],
      [],
      [store('m4', '2', undefined)],
    ]);
    assert.deepEqual(kindsOf(outcomes), [
      'conflict',
      'committed',
      'conflict',
      'conflict',
      'committed',
      'committed',
    ]);
    assert.deepEqual(
      byKey(await all()),
      byKey([
        row('from', '1'),
        row('m2', '2', null, SECOND),
        row('m4', '2', null, SECOND),
        row('to', '1'),
        row('x', '2', null, SECOND),
        row('y', '1'),
        row('z', '1'),
      ]),
    );
  });

  it('writes an atom over two namespaces whole or not at all, and tells one key in both apart', async () => {
    await write([[store('a', '1', undefined), store('a', '1', undefined, { namespace: 'm' })]], STAMP);
    await write([[store('a', '1', undefined, { namespace: 'm' })]], OTHER);
    const both = (inM: Stamp): Atom[] => [[store('a', '2', STAMP), store('a', '2', inM, { namespace: 'm' })]];
    assert.deepEqual(kindsOf(await write(both(STAMP))), ['conflict']);
    assert.deepEqual(await all(), [row('a', '1')]);
    assert.deepEqual(await all('m'), [row('a', '1', null, OTHER)]);
    assert.deepEqual(kindsOf(await write(both(OTHER))), ['committed']);
    assert.deepEqual(await all(), [row('a', '2', null, SECOND)]);
    assert.deepEqual(await all('m'), [row('a', '2', null, SECOND)]);
  });

  it('does not take a row for the one that was deleted and made again, with the same text', async () => {
    await put(row('a', '1'));
    await writeEach([remove('a', STAMP)], SECOND);
    await writeEach([store('a', '1', null)], OTHER);
    assert.deepEqual(kindsOf(await writeEach([store('a', '2', STAMP)])), ['conflict']);
    assert.deepEqual(kindsOf(await writeEach([remove('a', STAMP)])), ['conflict']);
    assert.deepEqual(await all(), [row('a', '1', null, OTHER)]);
  });

  it('takes the stamp 0, which rows of others have, for a stamp and not for absence', async () => {
    await writeEach([store('a', '1', undefined), store('b', '1', undefined)], 0);
    assert.deepEqual(await storage.read('n', ['a']), [row('a', '1', null, 0)]);
    const outcomes = await writeEach([store('a', '2', null), store('b', '2', 0), store('c', '2', 0)]);
    assert.deepEqual(kindsOf(outcomes), ['conflict', 'committed', 'conflict']);
    assert.deepEqual(await all(), [row('a', '1', null, 0), row('b', '2', null, SECOND)]);
    assert.deepEqual(kindsOf(await writeEach([remove('a', 0)])), ['committed']);
  });

  it('tells the largest stamps apart', async () => {
    const most = Number.MAX_SAFE_INTEGER;
    await writeEach([store('a', '1', undefined)], most);
    assert.deepEqual(await storage.read('n', ['a']), [row('a', '1', null, most)]);
    assert.deepEqual(kindsOf(await writeEach([store('a', '2', most - 1)])), ['conflict']);
    assert.deepEqual(kindsOf(await writeEach([store('a', '2', most)], most - 1)), ['committed']);
    assert.deepEqual(kindsOf(await writeEach([remove('a', most)])), ['conflict']);
    assert.deepEqual(await all(), [row('a', '2', null, most - 1)]);
    assert.deepEqual(kindsOf(await writeEach([remove('a', most - 1)])), ['committed']);
  });

  it('takes an expired row for a row: its stamp is expected, and its absence is not', async () => {
    await put(row('a', '1', NOW), row('b', '1', 1), row('c', '1', NOW - 1), row('d', '1', NOW - 1));
    const outcomes = await writeEach([
      store('a', '2', null),
      store('b', '2', STAMP),
      remove('c', null),
      remove('d', STAMP),
    ]);
    assert.deepEqual(kindsOf(outcomes), ['conflict', 'committed', 'conflict', 'committed']);
    assert.deepEqual(byKey(await storage.read('n', ['a', 'b', 'c', 'd'])), [
      row('a', '1', NOW),
      row('b', '2', null, SECOND),
      row('c', '1', NOW - 1),
    ]);
  });

  it('leaves the value and the expiry that a blind write would', async () => {
    const later = Date.UTC(2150, 0, 1);
    await put(row('a', '1', NOW + 1), row('b', '1'));
    const outcomes = await storage.write(
      [
        [store('a', '2', STAMP)],
        [store('b', '2', STAMP, { expiresAt: later })],
        [store('c', '', null, { expiresAt: later })],
      ],
      { stamp: SECOND, now: NOW },
    );
    assert.deepEqual(kindsOf(outcomes), ['committed', 'committed', 'committed']);
    assert.deepEqual(byKey(await storage.read('n', ['a', 'b', 'c'])), [
      row('a', '2', null, SECOND),
      row('b', '2', later, SECOND),
      row('c', '', later, SECOND),
    ]);
  });

  it('reports a write in conflict that is tried again after it had committed', async () => {
    await put(row('a', '1'), row('gone', '1'));
    const atoms = [[store('a', '2', STAMP)], [store('new', '2', null)], [remove('gone', STAMP)]];
    assert.deepEqual(kindsOf(await write(atoms, SECOND)), ['committed', 'committed', 'committed']);
    assert.deepEqual(kindsOf(await write(atoms, SECOND)), ['conflict', 'conflict', 'conflict']);
    // What tells that it was that very write that had committed.
    assert.deepEqual(await all(), [row('a', '2', null, SECOND), row('new', '2', null, SECOND)]);
  });

  if (refusesNull)
    it('blames the data for what it refuses, and says of the rest what became of it', async () => {
      await put(row('a', '1'), row('b', '1'));
      const atoms = [
        [store('a', '2', STAMP)],
        [store('b', null as unknown as string, STAMP)],
        [store('c', '2', null)],
        [store('d', '2', STAMP)],
      ];
      const result = await write(atoms).catch((reason: unknown) => ({ reason }));
      const before = [row('a', '1'), row('b', '1')];
      if ('reason' in result) {
        assert.equal(storage.classify(result.reason), 'permanent');
        assert.deepEqual(await all(), before);
      } else {
        assert.deepEqual(kindsOf(result), ['committed', 'refused', 'committed', 'conflict']);
        assert.deepEqual(await all(), [
          row('a', '2', null, SECOND),
          row('b', '1'),
          row('c', '2', null, SECOND),
        ]);
      }
      assert.deepEqual(kindsOf(await writeEach([store('b', '2', STAMP)])), ['committed']);
    });
}
