import { writeChanges } from './changes.js';
import assert from 'node:assert/strict';
import { NOW, REMOVAL, row, shown, type ContractCase } from './contract-case.js';

/** Ranges of keys, in the order of their bytes. */
export function listsOfKeys({ storage, put, all, listed, it, describe, beforeEach }: ContractCase): void {
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
    const ofOthers = { namespace: 'm', puts: [row('a:1'), row('other')] };

    beforeEach(() =>
      writeChanges(storage, [{ namespace: 'n', puts: keys.map((key) => row(key)) }, ofOthers], NOW).then(
        () => undefined,
      ),
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
        await storage.clearRange('n', { prefix, isWhole: false }, REMOVAL);
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
      await storage.clearRange('n', { prefix: 'a:1', isWhole: true }, REMOVAL);
      const range = { prefix: '', isWhole: false };
      assert.deepEqual(
        await listed(range, false, 100),
        inByteOrder.filter((key) => key !== 'a:1'),
      );
      await storage.clearRange('n', range, REMOVAL);
      assert.deepEqual(await all(), []);
      assert.equal((await all('m')).length, 2);
    });

    it('how many of the cleared rows had not expired', async () => {
      await put(row('a:1', '1', NOW), row('a:10', '1', NOW + 1), row('a:3', '1', NOW - 1));
      assert.equal(await storage.clearRange('n', { prefix: 'a:1', isWhole: false }, REMOVAL), 1);
      assert.equal(await storage.clearRange('n', { prefix: 'a:3', isWhole: true }, REMOVAL), 0);
      assert.equal(await storage.clearRange('n', { prefix: 'a:', isWhole: false }, REMOVAL), 2);
      assert.equal(await storage.clearRange('n', { prefix: 'none', isWhole: false }, REMOVAL), 0);
      assert.equal(await storage.clearRange('n', { prefix: '', isWhole: false }, REMOVAL), keys.length - 4);
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
}
