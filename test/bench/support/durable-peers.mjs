import { KeyvSqlite } from '@keyv/sqlite';
import KeyvRedis from '@keyv/redis';
import { BentoCache, bentostore } from 'bentocache';
import { knexDriver } from 'bentocache/drivers/knex';
import knex from 'knex';
import { Keyv } from 'keyv';
import { newDatabase } from './app.mjs';
import { nextValueOf } from './keys.mjs';
import { openLmdb, putDurably } from './lmdb.mjs';
import { REDIS_SERVER, startRedis } from './redis.mjs';

/** What Redis does before it acknowledges a write: `always` syncs it to the disk, `everysec` may lose a second. */
const REDIS_SYNCS = ['everysec', 'always'];

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
  const lmdb = openLmdb();
  const redis = await openRedis();
  return {
    sets: [
      ['@keyv/sqlite, WAL', (n) => keyvSqlite.set(String(n), nextValueOf(n))],
      ['bentocache, knex', (n) => bento.set({ key: String(n), value: nextValueOf(n) })],
      ['lmdb: put and flushed', (n) => putDurably(lmdb, n, nextValueOf(n))],
      ...redis.map(({ name, keyv }) => [name, (n) => keyv.set(String(n), nextValueOf(n))]),
    ],
    async close() {
      await keyvSqlite.disconnect();
      await bento.disconnectAll();
      await connection.destroy();
      await lmdb.close();
      for (const { keyv, server } of redis) {
        await keyv.disconnect();
        await server.stop();
      }
    },
  };
}

/** A Redis for each way to sync; none where there is no Redis to start. */
async function openRedis() {
  const opened = [];
  for (const appendfsync of REDIS_SYNCS) {
    const server = await startRedis(appendfsync);
    if (server === undefined) {
      console.error(`Left out: Redis (${REDIS_SERVER} does not start here).`);
      return opened;
    }
    const keyv = new Keyv({ store: new KeyvRedis(server.url) });
    opened.push({ name: `@keyv/redis, appendfsync ${appendfsync}`, keyv, server });
  }
  return opened;
}
