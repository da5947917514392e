import assert from 'node:assert/strict';
import type { Atom, AtomOutcome, StampedEntry } from '../../index.js';
import { STAMP, writeChanges } from './changes.js';
import { NOW, row, type ContractCase } from './contract-case.js';
import { byKey, kindsOf, OTHER, remove, SECOND, store } from './row-writes.js';

/** A read-modify-write: what is written is decided on the rows that are there. */
export function modifiedRows({ storage, put, all, it }: ContractCase): void {
  const modify = (
    keys: readonly string[],
    decide: (rows: readonly StampedEntry[]) => readonly Atom[],
  ): Promise<readonly AtomOutcome[]> => storage.modify('n', keys, decide, { stamp: SECOND, now: NOW });

  it('decides once on the rows that are there, expired ones included, and writes what comes of it', async () => {
    await put(row('a', '1'), row('old', '2', NOW - 1), row('gone', '3'), row('left', '4'), row('other'));
    await writeChanges(storage, [{ namespace: 'm', puts: [row('a', '9'), row('new', '9')] }], NOW);
    const seen: (readonly StampedEntry[])[] = [];
    const outcomes = await modify(['left', 'a', 'new', 'old', 'gone'], (rows) => {
      seen.push(rows);
      const plus = (key: string): string => `${Number(rows.find((one) => one.key === key)?.value) + 10}`;
      return [
        [store('a', plus('a'), STAMP)],
        [store('old', plus('old'), STAMP), remove('gone', STAMP)],
        [store('new', '5', null)],
      ];
    });
    assert.deepEqual(kindsOf(outcomes), ['committed', 'committed', 'committed']);
    assert.equal(seen.length, 1);
    assert.deepEqual(byKey(seen[0] ?? []), [
      row('a', '1'),
      row('gone', '3'),
      row('left', '4'),
      row('old', '2', NOW - 1),
    ]);
    assert.deepEqual(await all(), [
      row('a', '11', null, SECOND),
      row('left', '4'),
      row('new', '5', null, SECOND),
      row('old', '12', null, SECOND),
      row('other'),
    ]);
    assert.deepEqual(await all('m'), [row('a', '9'), row('new', '9')]);
  });

  it('writes rows that it expects nothing of', async () => {
    await put(row('a', '1'), row('b', '1'));
    const outcomes = await modify(['a', 'b', 'c'], () => [
      [store('a', '2', undefined)],
      [remove('b', undefined)],
      [store('c', '2', undefined)],
    ]);
    assert.deepEqual(kindsOf(outcomes), ['committed', 'committed', 'committed']);
    assert.deepEqual(await all(), [row('a', '2', null, SECOND), row('c', '2', null, SECOND)]);
  });

  it('may decide that nothing is to be written', async () => {
    await put(row('a', '1'));
    assert.deepEqual(await modify(['a', 'x'], () => []), []);
    assert.deepEqual(kindsOf(await modify(['a'], () => [[]])), ['committed']);
    assert.deepEqual(await modify([], (rows) => rows.map((one) => [remove(one.key, undefined)])), []);
    assert.deepEqual(await all(), [row('a', '1')]);
  });

  it('rejects with the very error of the decision, has written nothing, and works on', async () => {
    await put(row('a', '1'));
    for (const error of [new RangeError('decided against'), 'a text', undefined]) {
      const reason: unknown = await modify(['a', 'b'], () => {
        throw error as Error;
      }).then(
        () => assert.fail('It has resolved.'),
        (thrown: unknown) => thrown,
      );
      assert.ok(Object.is(reason, error));
      assert.deepEqual(await all(), [row('a', '1')]);
    }
    assert.deepEqual(kindsOf(await modify(['a'], () => [[store('a', '2', STAMP)]])), ['committed']);
    await put(row('b', '1'));
    assert.deepEqual(await all(), [row('a', '2', null, SECOND), row('b', '1')]);
  });

  it('leaves out what expects other rows than there are', async () => {
    await put(row('a', '1'), row('b', '1'), row('c', '1'));
    const outcomes = await modify(['a', 'b', 'c', 'd'], () => [
      [store('a', '2', OTHER)],
      [remove('b', STAMP)],
      [store('c', '2', null)],
      [store('d', '2', STAMP)],
    ]);
    assert.deepEqual(kindsOf(outcomes), ['conflict', 'committed', 'conflict', 'conflict']);
    assert.deepEqual(await all(), [row('a', '1'), row('c', '1')]);
  });

  it('writes nothing of an atom that loses one of its rows', async () => {
    await put(row('a', '1'), row('b', '1'), row('c', '1'));
    const outcomes = await modify(['a', 'b', 'c'], () => [
      [store('a', '2', STAMP), store('b', '2', null)],
      [store('c', '2', STAMP)],
    ]);
    assert.equal(outcomes[0]?.kind, 'conflict');
    // The rest of a decision may go with it.
    const c = outcomes[1]?.kind === 'committed' ? row('c', '2', null, SECOND) : row('c', '1');
    assert.deepEqual(await all(), [row('a', '1'), row('b', '1'), c]);
  });

  it('decides on 1000 rows', async () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `key ${String(i).padStart(3, '0')}`);
    await put(...keys.map((key, i) => row(key, `${i}`)));
    const outcomes = await modify(keys, (rows) =>
      rows.map(({ key, value, stamp }) => [store(key, `${Number(value) * 2}`, stamp)]),
    );
    assert.equal(kindsOf(outcomes).filter((kind) => kind === 'committed').length, 1000);
    assert.deepEqual(
      await all(),
      keys.map((key, i) => row(key, `${i * 2}`, null, SECOND)),
    );
  });

  it('loses no update of several that are under way one after the other', async () => {
    await put(row('a', '0'));
    for (let i = 0; i < 20; i += 1)
      await storage.modify(
        'n',
        ['a'],
        ([found]) => [[store('a', `${Number(found?.value) + 1}`, found?.stamp ?? null)]],
        { stamp: SECOND + i, now: NOW },
      );
    assert.deepEqual(await all(), [row('a', '20', null, SECOND + 19)]);
  });
}
