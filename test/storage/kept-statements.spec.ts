import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { DataSource } from 'typeorm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { writeChanges, type Change } from '../../src/testing/contract/changes.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();

const puts = (...keys: string[]): Change[] => [
  { namespace: 'n', puts: keys.map((key) => ({ key, value: '1', expiresAt: null })) },
];
const removal = (key: string): Change[] => [{ namespace: 'n', deletes: [key] }];

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(['sqlite', 'better-sqlite3'] as const)('statements that are kept prepared (%s)', (type) => {
  it('are let go of when they meet a lock: what others write is committed all the same', async () => {
    const storage = { type, database: join(folder, `${type}.sqlite`) };
    const cache = new TypeOrmStorage({ storage, migrationsRun: true, synchronous: 'full' });
    await cache.open();
    // The same driver: two SQLites in one process don't see each other's locks.
    const other = await new DataSource(storage).initialize();
    const seen = async (): Promise<unknown[]> =>
      (await other.query<{ key: string }[]>('SELECT key FROM cache_storage ORDER BY key')).map(
        (row) => row.key,
      );
    const locked = async (changes: Change[]): Promise<void> => {
      await other.query('BEGIN IMMEDIATE');
      await expect(writeChanges(cache, changes, 1)).rejects.toThrow(/locked/);
      await other.query('ROLLBACK');
    };
    // One row, several and the removal of one are texts of their own.
    await writeChanges(cache, puts('a'), 1);
    await locked(puts('b'));
    await writeChanges(cache, puts('c', 'd'), 2);
    expect(await seen()).toEqual(['a', 'c', 'd']);
    await locked(puts('b', 'c'));
    await writeChanges(cache, removal('a'), 3);
    expect(await seen()).toEqual(['c', 'd']);
    await locked(removal('c'));
    await writeChanges(cache, puts('b'), 4);
    expect(await seen()).toEqual(['b', 'c', 'd']);
    await other.destroy();
    await cache.close();
  });

  it('hold nothing once they have answered: what others write is seen, and the log can be emptied', async () => {
    const storage = { type, database: join(folder, `${type}-reads.sqlite`) };
    const cache = new TypeOrmStorage({ storage, migrationsRun: true, synchronous: 'full' });
    await cache.open();
    const other = await new DataSource(storage).initialize();
    const loaded = async (after?: string): Promise<unknown> =>
      (await cache.load('n', { after, limit: 2, now: 1 })).rows.map(({ key }) => key);
    const read = async (): Promise<unknown> => (await cache.read('n', ['b', 'd'])).map(({ key }) => key);
    await writeChanges(cache, puts('a', 'b', 'c'), 1);
    expect([await loaded(), await loaded('b'), await read()]).toEqual([['a', 'b'], ['c'], ['b']]);
    await other.query(`UPDATE cache_storage SET key = 'd' WHERE key = 'b'`);
    const [log] = (await other.query('PRAGMA wal_checkpoint(TRUNCATE)')) as { busy: number; log: number }[];
    expect(log).toMatchObject({ busy: 0, log: 0 });
    expect([await loaded(), await loaded('b'), await read()]).toEqual([['a', 'c'], ['c', 'd'], ['d']]);
    await other.destroy();
    await cache.close();
  });
});

describe('a read of a file that others hold locked', () => {
  it('is tried again as long as `busyErrorRetry` says', async () => {
    const template = new DataSource({
      type: 'sqlite',
      database: join(folder, 'locked.sqlite'),
      busyErrorRetry: 10,
    });
    const cache = new TypeOrmStorage({ storage: template, migrationsRun: true, synchronous: 'full' });
    await cache.open();
    await writeChanges(cache, puts('a'), 1);
    const other = await template.initialize();
    await other.query('BEGIN EXCLUSIVE');
    // The kept statement has met the lock when TypeORM is asked in its place.
    const all = Reflect.get(sqlite3.Database.prototype, 'all') as () => unknown;
    let released: Promise<unknown> | undefined;
    vi.spyOn(sqlite3.Database.prototype, 'all').mockImplementation(function ask(
      this: sqlite3.Database,
      ...given: unknown[]
    ) {
      if (released === undefined) {
        released = Promise.resolve();
        released = other.query('ROLLBACK');
      }
      return Reflect.apply(all, this, given) as sqlite3.Database;
    });
    expect(await cache.read('n', ['a'])).toMatchObject([{ key: 'a', value: '1', expiresAt: null }]);
    expect(released).toBeDefined();
    await released;
    await other.destroy();
    await cache.close();
  });
});
