import { afterEach, describe, expect, it } from 'vitest';
import { StorageCopy } from '../../src/cli/storage-copy.js';
import { isCacheError } from '../../src/index.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { writeChanges } from '../../src/testing/contract/changes.js';

const NOW = 1_000_000;

const opened: TypeOrmStorage[] = [];

afterEach(async () => {
  for (const storage of opened.splice(0)) await storage.close();
});

async function empty(): Promise<TypeOrmStorage> {
  const storage = new TypeOrmStorage({
    storage: { type: 'better-sqlite3', database: ':memory:' },
    migrationsRun: true,
    synchronous: 'normal',
  });
  await storage.open();
  opened.push(storage);
  return storage;
}

async function filled(rows: number): Promise<TypeOrmStorage> {
  const storage = await empty();
  const puts = Array.from({ length: rows }, (_, i) => ({ key: `${i}`, value: `${i}`, expiresAt: null }));
  await writeChanges(storage, [{ namespace: 'n', puts }], 1);
  return storage;
}

describe('a copy of a storage', () => {
  const options = { namespaces: ['n'], force: false, now: NOW };

  it.each([
    ['a row of the source that changed', { puts: [{ key: '5', value: 'new', expiresAt: null }] }, 'source'],
    ['a row of the source that is gone', { deletes: ['5'] }, 'source'],
    ['a row of the source that is new', { puts: [{ key: 'new', value: '1', expiresAt: null }] }, 'source'],
    ['a row of the target that is gone', { deletes: ['5'] }, 'target'],
    ['a row of the target that is new', { puts: [{ key: 'new', value: '1', expiresAt: null }] }, 'target'],
  ])('notices %s meanwhile', async (_what, change, side) => {
    const source = await filled(2500);
    const target = await empty();
    const copy = new StorageCopy(source, target, options);
    const copied = await copy.run(await copy.plan(), () => undefined);
    expect(copied).toMatchObject([{ namespace: 'n', rows: 2500, copied: 2500, unchanged: 0 }]);
    await copy.verify(copied, () => undefined);
    await writeChanges(side === 'source' ? source : target, [{ namespace: 'n', ...change }], 2);
    const outcome = await copy.verify(copied, () => undefined).catch((error: unknown) => error);
    expect(isCacheError(outcome, 'COPY_INCOMPLETE')).toBe(true);
  });
});
