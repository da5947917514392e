import { describe, expect, it } from 'vitest';
import { CopyProgress } from '../../src/cli/copy-progress.js';
import { StorageCopy } from '../../src/cli/storage-copy.js';
import { InMemoryStorage, isCacheError } from '../../src/index.js';

const NOW = 1_000_000;

async function filled(rows: number): Promise<InMemoryStorage> {
  const storage = new InMemoryStorage();
  const puts = Array.from({ length: rows }, (_, i) => ({ key: `${i}`, value: `${i}`, expiresAt: null }));
  await storage.write([{ namespace: 'n', puts, deletes: [] }], 1);
  return storage;
}

describe('a copy of a storage', () => {
  const options = { namespaces: ['n'], force: false, now: NOW };

  it.each([
    [
      'a row of the source that changed',
      { puts: [{ key: '5', value: 'new', expiresAt: null }], deletes: [] },
      'source',
    ],
    ['a row of the source that is gone', { puts: [], deletes: ['5'] }, 'source'],
    [
      'a row of the source that is new',
      { puts: [{ key: 'new', value: '1', expiresAt: null }], deletes: [] },
      'source',
    ],
    ['a row of the target that is gone', { puts: [], deletes: ['5'] }, 'target'],
    [
      'a row of the target that is new',
      { puts: [{ key: 'new', value: '1', expiresAt: null }], deletes: [] },
      'target',
    ],
  ])('notices %s meanwhile', async (_what, change, side) => {
    const source = await filled(2500);
    const target = new InMemoryStorage();
    const copy = new StorageCopy(source, target, options);
    const copied = await copy.run(await copy.plan(), () => undefined);
    expect(copied).toEqual([{ namespace: 'n', rows: 2500, unchanged: 0 }]);
    await copy.verify(copied, () => undefined);
    await (side === 'source' ? source : target).write([{ namespace: 'n', ...change }], 2);
    const outcome = await copy.verify(copied, () => undefined).catch((error: unknown) => error);
    expect(isCacheError(outcome, 'COPY_INCOMPLETE')).toBe(true);
  });

  it('shows its progress as a bar on a terminal, and takes it away at the end', () => {
    let shown = '';
    const progress = new CopyProgress({ isTTY: true, write: (text) => (shown += text) });
    const listener = progress.listener('copying');
    listener('n', 0, 3000);
    listener('n', 1500, 3000);
    expect(shown).toContain('copying n [###############---------------] 50 % (1500 of 3000 rows)');
    progress.clear();
    expect(shown.endsWith('\r\u001B[K')).toBe(true);
  });

  it('prints plain lines where there is no terminal, and none for small namespaces', () => {
    let shown = '';
    const listener = new CopyProgress({ write: (text) => (shown += text) }).listener('copying');
    for (let done = 0; done <= 30_000; done += 1000) listener('big', done, 30_000);
    listener('small', 10, 10);
    expect(shown).toBe('copying big: 20000 of 30000 rows\n');
  });
});
