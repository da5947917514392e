import { STAMP, writeChanges } from './changes.js';
import assert from 'node:assert/strict';
import { isNativeError } from 'node:util/types';
import type { StoredEntry } from '../../index.js';
import { NOW, REMOVAL, row, type ContractCase } from './contract-case.js';

/** What is written is there, whole and apart from the rest. */
export function writtenRows({ storage, put, all, it, refusesNull }: ContractCase): void {
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
    await writeChanges(storage, [{ namespace: 'n', puts: [row('c')], deletes: ['a', 'x'] }], NOW);
    assert.deepEqual(
      (await all()).map((entry) => entry.key),
      ['b', 'c'],
    );
  });

  it('takes an empty batch', async () => {
    assert.deepEqual(await storage.write([], { stamp: STAMP, now: NOW }), []);
    await storage.write([[], []], { stamp: STAMP, now: NOW });
    assert.deepEqual(await all(), []);
  });

  it('writes several namespaces at once and keeps them apart', async () => {
    await writeChanges(
      storage,
      [
        { namespace: 'n', puts: [row('a')] },
        { namespace: 'm', puts: [row('a', '2')], deletes: ['b'] },
        { namespace: 'N', puts: [row('a', '3')] },
      ],
      NOW,
    );
    assert.deepEqual(await all('n'), [row('a')]);
    assert.deepEqual(await all('m'), [row('a', '2')]);
    await storage.clear('n', REMOVAL);
    assert.deepEqual(await all('n'), []);
    assert.equal((await all('m')).length, 1);
    assert.deepEqual(await all('N'), [row('a', '3')]);
  });

  if (refusesNull)
    it('applies a batch as a whole or not at all, and blames the data', async () => {
      await put(row('a', 'before'), row('gone'));
      const broken = { key: 'zzz', value: null as unknown as string, expiresAt: null };
      const many = Array.from({ length: 2500 }, (_, i) => row(`many ${i}`));
      const error: unknown = await writeChanges(
        storage,
        [
          { namespace: 'n', puts: [row('a', 'after'), ...many], deletes: ['gone'] },
          { namespace: 'other', puts: [row('a'), broken] },
        ],
        NOW,
      ).catch((reason: unknown) => reason);
      assert.ok(isNativeError(error));
      assert.equal(storage.classify(error), 'permanent');
      assert.deepEqual(await all(), [row('a', 'before'), row('gone')]);
      assert.deepEqual(await all('other'), []);
      // The same batch without the bad row: the storage is as good as before.
      await writeChanges(
        storage,
        [{ namespace: 'n', puts: [row('a', 'after'), ...many], deletes: ['gone'] }],
        NOW,
      );
      assert.equal(await storage.count('n', NOW), 2501);
    });

  it('clears what there is of a namespace, and takes it again', async () => {
    await put(...Array.from({ length: 3000 }, (_, i) => row(`${i}`)));
    await storage.clear('n', REMOVAL);
    await storage.clear('n', REMOVAL);
    await storage.clear('never seen', REMOVAL);
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

  it('shows a read that overlaps a write all of it or nothing', async () => {
    const version = (n: number): StoredEntry[] =>
      Array.from({ length: 3000 }, (_, i) => row(`key ${String(i).padStart(4, '0')}`, `${n}`));
    await put(...version(0));
    for (let n = 1; n <= 5; n += 1) {
      const [, seen] = await Promise.all([put(...version(n)), storage.read('n', ['key 0000', 'key 2999'])]);
      assert.equal(new Set(seen.map((entry) => entry.value)).size, 1);
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
}
