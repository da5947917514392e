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

describe('a file that several write to without pause', () => {
  // better-sqlite3 works on the thread of the test: its connections take turns anyway.
  const WRITES = 400;
  const LOOK_EVERY_MS = 20;

  /** How often the next write was another one's, of all that were made while both wrote. Each looks for what the other has changed. */
  async function handovers(): Promise<number> {
    const options = { type: 'sqlite', database: newFile() } as const;
    const storages = [storageOn(options), storageOn(options)];
    for (const storage of storages) await storage.open();
    const looks = setInterval(() => {
      for (const storage of storages) void storage.hasChanged?.();
    }, LOOK_EVERY_MS);
    const order: number[] = [];
    await Promise.all(
      storages.map(async (storage, who) => {
        for (let n = 0; n < WRITES; n += 1) {
          const puts = [{ key: `${who}`, value: `${n}`, expiresAt: null }];
          await writeChanges(storage, [{ namespace: 'n', puts }], n + 1);
          order.push(who);
        }
      }),
    );
    clearInterval(looks);
    for (const storage of storages) await storage.close();
    const beside = order.slice(0, Math.min(order.lastIndexOf(0), order.lastIndexOf(1)));
    return beside.filter((who, i) => i > 0 && who !== beside[i - 1]).length / beside.length;
  }

  it('is left to those that wait by who has just written', async () => {
    let most = 0;
    // A machine with much else to do wakes who waits too late: then it has not waited for its turn.
    for (let tries = 0; tries < 6 && most <= 0.4; tries += 1) most = Math.max(most, await handovers());
    expect(most).toBeGreaterThan(0.4);
  });
});
