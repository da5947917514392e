import { createRequire } from 'node:module';
import * as redis6 from '@redis/client';
import * as runner from 'vitest';
import { afterAll, beforeAll, describe } from 'vitest';
import { postgresBackplane } from '../../src/index.js';
import { redisBackplane } from '../../src/integrations/redis/index.js';
import { describeBackplaneContract, InMemoryBackplane } from '../../src/testing/index.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { postgresServer, redisServer } from '../support/services.js';
import { storageOn } from './sql-storage.js';

/** The line before, as another package brings it. */
const redis5 = createRequire(createRequire(import.meta.url).resolve('@keyv/redis'))(
  '@redis/client',
) as typeof redis6;

const memory = new InMemoryBackplane();
describeBackplaneContract({ name: 'memory', newEnd: () => memory.end(), cut: () => memory.cut(), runner });

const postgres = await postgresServer();
describe.skipIf(postgres === undefined)('PostgreSQL', async () => {
  if (postgres === undefined) return;
  const url = await postgres.newDatabase();
  const database = new URL(url).pathname.slice(1);
  const storage = storageOn({ type: 'postgres', url });

  beforeAll(() => storage.open());
  afterAll(() => storage.close());

  describeBackplaneContract({
    name: 'NOTIFY, on a connection as the storage has it',
    newEnd: postgresBackplane,
    database: () => storage.connectMessages,
    // All sessions but those of the pool, which end with the test.
    cut: async () => {
      await postgres.run(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}' AND query ~ 'LISTEN|pg_notify'`,
      );
    },
    runner,
  });
});

const redis = await redisServer();
describe.skipIf(redis === undefined)('Redis', async () => {
  if (redis === undefined) return;
  const proxy = await CuttingProxy.before(redis);
  const url = proxy.through(redis);
  const cut = (): void => proxy.cutClients();

  afterAll(() => proxy.close());

  describeBackplaneContract({ name: 'a url', newEnd: () => redisBackplane({ url }), cut, runner });
  describe.each([
    ['5', redis5],
    ['6', redis6],
  ])('version %s of the client', (_version, { createClient }) => {
    const client = createClient({ url });
    describeBackplaneContract({
      name: 'a client of the application',
      newEnd: () => redisBackplane({ client }),
      cut,
      runner,
    });
  });
});
