import { afterEach, describe, expect, it } from 'vitest';
import { STAMP, writeChanges } from '../../src/testing/contract/changes.js';
import { POSTGRES, storageOf } from '../support/server-kind.js';
import { postgresServer } from '../support/services.js';
import { TransactionPooler } from '../support/transaction-pooler.js';

const server = await postgresServer();

describe.skipIf(server === undefined)('a pooler in front of PostgreSQL', () => {
  let pooler: TransactionPooler;

  afterEach(() => pooler.close());

  const poolerOf = async (mode: 'transaction' | 'session'): Promise<TransactionPooler> =>
    TransactionPooler.before((await server?.newDatabase()) ?? '', mode);

  it('that lends sessions for a transaction is refused at the start, with the remedy', async () => {
    pooler = await poolerOf('transaction');
    const error: unknown = await storageOf(POSTGRES, pooler.url)
      .open()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'UNSUPPORTED_STORAGE', option: 'storage' });
    expect((error as Error).message).toMatch(/session mode/);
  });

  it('that gives whole sessions is as good as the server', async () => {
    pooler = await poolerOf('session');
    const storage = storageOf(POSTGRES, pooler.url);
    await storage.open();
    const row = { key: 'a', value: '1', expiresAt: null };
    await writeChanges(storage, [{ namespace: 'n', puts: [row] }], 1);
    expect(await storage.read('n', ['a'])).toEqual([{ ...row, stamp: STAMP }]);
    await storage.close();
  });
});
