import { KeyvSqlite } from '@keyv/sqlite';
import KeyvRedis from '@keyv/redis';
import { BentoCache, bentostore } from 'bentocache';
import { knexDriver } from 'bentocache/drivers/knex';
import knex from 'knex';
import { Keyv } from 'keyv';
import { newDatabase } from './app.mjs';
import { nextValueOf } from './keys.mjs';
import { startRedis } from './redis.mjs';

/** Other caches that write to a disk, each on a database of its own. */
export async function openPeers() {
  const keyvSqlite = new Keyv({ store: new KeyvSqlite({ uri: `sqlite://${newDatabase()}`, wal: true }) });
  const connection = knex({
    client: 'better-sqlite3',
    connection: { filename: newDatabase() },
    useNullAsDefault: true,
  });
  const bento = new BentoCache({
    default: 'sql',
    stores: { sql: bentostore().useL2Layer(knexDriver({ connection })) },
  });
  const redis = await startRedis();
  const keyvRedis = redis === undefined ? undefined : new Keyv({ store: new KeyvRedis(redis.url) });
  return {
    sets: [
      ['@keyv/sqlite, WAL', (n) => keyvSqlite.set(String(n), nextValueOf(n))],
      ['bentocache, knex', (n) => bento.set({ key: String(n), value: nextValueOf(n) })],
      ...(keyvRedis === undefined
        ? []
        : [['@keyv/redis, appendfsync everysec', (n) => keyvRedis.set(String(n), nextValueOf(n))]]),
    ],
    async close() {
      await keyvSqlite.disconnect();
      await bento.disconnectAll();
      await connection.destroy();
      await keyvRedis?.disconnect();
      await redis?.stop();
    },
  };
}
