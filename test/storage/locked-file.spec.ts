import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { sqliteFiles, storageOn } from '../contract/sql-storage.js';

const newFile = sqliteFiles();

describe.each(['sqlite', 'better-sqlite3'] as const)(
  'a file that another process has locked (%s)',
  (type) => {
    let storage: TypeOrmStorage;
    let other: DataSource;
    const put = (value: string, ...keys: readonly string[]): Promise<unknown> =>
      writeChanges(
        storage,
        [{ namespace: 'n', puts: keys.map((key) => ({ key, value, expiresAt: null })) }],
        1,
      );

    beforeEach(async () => {
      const options = { type, database: newFile() };
      storage = storageOn(options);
      await storage.open();
      await put('before', 'key');
      other = await new DataSource(options).initialize();
      await other.query('BEGIN IMMEDIATE');
    });

    afterEach(async () => {
      await other.destroy();
      await storage.close();
    });

    it('is read while a write waits for it, which is made when it is free', async () => {
      let isWritten = false;
      const write = put('after', 'key', 'other').then(() => (isWritten = true));
      // More than one, so that the write has met the lock.
      for (let i = 0; i < 5; i += 1)
        expect(await storage.read('n', ['key'])).toMatchObject([{ value: 'before' }]);
      expect(isWritten).toBe(false);
      await other.query('COMMIT');
      await write;
      expect(await storage.read('n', ['key'])).toMatchObject([{ value: 'after' }]);
    });

    it('makes a write fail that finds it locked for long', async () => {
      await expect(put('after', 'key')).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
      await other.query('COMMIT');
      expect(await storage.read('n', ['key'])).toMatchObject([{ value: 'before' }]);
    });
  },
);
