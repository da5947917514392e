import { writeChanges } from './changes.js';
import assert from 'node:assert/strict';
import { NOW, row, type ContractCase } from './contract-case.js';

/** When a row expires. */
export function timesOfRows({ storage, put, all, it }: ContractCase): void {
  it('keeps expired rows out of loads and counts, and purges only them', async () => {
    await put(row('a'), row('old', '1', NOW), row('older', '1', NOW - 1), row('later', '1', NOW + 1));
    assert.deepEqual(
      (await all()).map((entry) => entry.key),
      ['a', 'later'],
    );
    assert.equal(await storage.count('n', NOW), 2);
    assert.deepEqual(await storage.read('n', ['old']), [row('old', '1', NOW)]);
    await writeChanges(storage, [{ namespace: 'other', puts: [row('old', '1', NOW)] }], NOW);
    assert.equal(await storage.purgeExpired('n', NOW), 2);
    assert.equal(await storage.purgeExpired('n', NOW), 0);
    assert.equal((await storage.read('n', ['old', 'older', 'later', 'a'])).length, 2);
    assert.equal((await storage.read('other', ['old'])).length, 1);
    await put(row('later'));
    assert.deepEqual(await storage.read('n', ['later']), [row('later')]);
  });

  it('holds an expiry beyond what 32 bits can', async () => {
    const expiresAt = Date.UTC(2150, 0, 1);
    await put(row('a', '1', expiresAt));
    assert.deepEqual(await storage.read('n', ['a']), [row('a', '1', expiresAt)]);
  });
}
