import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DataSource } from 'typeorm';
import type { LoadCursor } from '../../src/index.js';
import { writeChanges } from '../../src/testing/contract/changes.js';
import { connectTo, POSTGRES, storageOf } from '../support/server-kind.js';
import { postgresServer } from '../support/services.js';

const server = await postgresServer();
const ROWS = 20_000;
const PAGE = 1000;

describe.skipIf(server === undefined)('a load of PostgreSQL', () => {
  let url: string;
  let db: DataSource;

  beforeEach(async () => {
    if (server === undefined) return;
    url = await server.newDatabase();
    db = await connectTo(POSTGRES, url);
  });

  afterEach(() => db.destroy());

  const rowsRead = async (): Promise<number> => {
    const [{ read } = { read: '' }] = (await db.query(
      `SELECT seq_tup_read + idx_tup_fetch AS "read" FROM pg_stat_user_tables WHERE relname = 'cache_storage'`,
    )) as { read: string }[];
    return Number(read);
  };

  it.each(['none', 'those of an empty table'])(
    'reads each row once, whatever statistics the server has: %s',
    async (statistics) => {
      const filling = storageOf(POSTGRES, url);
      await filling.open();
      await db.query('ALTER TABLE cache_storage SET (autovacuum_enabled = false)');
      if (statistics !== 'none') await db.query('ANALYZE cache_storage');
      const puts = Array.from({ length: ROWS }, (_, i) => ({ key: `${i}`, value: '"x"', expiresAt: null }));
      await writeChanges(filling, [{ namespace: 'n', puts }], 1);
      await filling.close();

      const loading = storageOf(POSTGRES, url);
      await loading.open();
      let loaded = 0;
      let after: LoadCursor | undefined;
      do {
        const page = await loading.load('n', { after, limit: PAGE, now: 1 });
        loaded += page.rows.length;
        after = page.next;
      } while (after !== undefined);
      await loading.close();
      expect(loaded).toBe(ROWS);
      // A session accounts for what it did when it ends, which the server does on its own.
      await vi.waitFor(async () => expect(await rowsRead()).toBeGreaterThanOrEqual(ROWS), {
        timeout: 10_000,
      });
      expect(await rowsRead()).toBeLessThan(ROWS * 2);
    },
  );
});
