import { KeyvSqlite } from '@keyv/sqlite';
import KeyvRedis from '@keyv/redis';
import { BentoCache, bentostore } from 'bentocache';
import { knexDriver } from 'bentocache/drivers/knex';
import knex from 'knex';
import { Keyv } from 'keyv';
import { DataSource } from 'typeorm';
import { CacheStorage, cacheMigrations, defineNamespace, json, numberKey } from '../../../dist/src/index.js';
import { openRaw } from '../raw/sqlite3.mjs';
import { newDatabase, openCaches } from '../support/app.mjs';
import { nextValueOf } from '../support/keys.mjs';
import { startRedis } from '../support/redis.mjs';
import { compare } from '../support/rounds.mjs';

const WRITERS = [1, 16, 256];
/** Rows in one commit of the raw form: what 256 writers make of a group commit. */
const RAW_BATCH = 256;

/** Writes that are acknowledged when they are committed, with so many writers that each wait for their own. */
export const durableWrites = {
  name: 'durable-writes',
  title: 'ON_CHANGE sets, each awaited by its writer: SQLite, WAL, synchronous=FULL, driver sqlite3',
  note: 'ratio: ours against each. Redis with appendfsync everysec may lose a second of what it acknowledged.',
  async run() {
    const namespace = defineNamespace({
      name: 'bench',
      key: numberKey(),
      value: json(),
      maxEntries: 100_000,
    });
    const { caches, close } = await openCaches([namespace]);
    const [cache] = caches;
    const others = await openOthers();
    const { raw, naive, peers } = others;
    const rows = [];
    for (const writers of WRITERS) {
      const cases = [
        ['ours', (n) => cache.set(n, nextValueOf(n))],
        writers === 1 ? ['raw upsert', (n) => raw.write([rowOf(n)])] : undefined,
        ['naive: TypeORM upsert per set', naive],
        ...peers,
      ].filter((one) => one !== undefined);
      const measured = await compare(
        [
          ...cases.map(([name, set]) => ({ name, run: writersOf(set, writers) })),
          ...(writers === RAW_BATCH
            ? [{ name: `raw, ${RAW_BATCH} rows in a commit`, run: batchesOf(raw) }]
            : []),
        ],
        { rounds: 9, sliceMs: 150 },
      );
      for (const { name, perSecond, ratio, spread } of measured) {
        rows.push({
          writers,
          what: name,
          'writes/s': Math.round(perSecond),
          'ours / this': Number((1 / ratio).toFixed(2)),
          spread: `±${(spread / ratio / ratio).toFixed(2)}`,
        });
      }
    }
    await close();
    await others.stop();
    return rows;
  },
};

/** So many writers, each of which writes again as soon as its last write is acknowledged. */
function writersOf(set, writers) {
  return async (times) => {
    let next = 0;
    const write = async () => {
      for (let n = next++; n < times; n = next++) await set(n % 50_000);
    };
    await Promise.all(Array.from({ length: writers }, write));
  };
}

function batchesOf(raw) {
  return async (times) => {
    for (let start = 0; start < times; start += RAW_BATCH) {
      const count = Math.min(RAW_BATCH, times - start);
      await raw.write(Array.from({ length: count }, (_, i) => rowOf((start + i) % 50_000)));
    }
  };
}

function rowOf(n) {
  return {
    namespace: 'raw',
    key: String(n),
    value: JSON.stringify(nextValueOf(n)),
    updatedAt: '2026-01-01 00:00:00.000',
  };
}

async function openOthers() {
  const database = newDatabase();
  const dataSource = await new DataSource({
    type: 'sqlite',
    database,
    enableWAL: true,
    entities: [CacheStorage],
    migrations: cacheMigrations,
    migrationsRun: true,
  }).initialize();
  await dataSource.query('PRAGMA synchronous = FULL');
  const repository = dataSource.getRepository(CacheStorage);
  const raw = await openRaw({ database });
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
    raw,
    naive: (n) => {
      const { namespace, key, value } = rowOf(n);
      return repository.upsert({ namespace, key, value }, ['namespace', 'key']);
    },
    peers: [
      ['@keyv/sqlite, WAL', (n) => keyvSqlite.set(String(n), nextValueOf(n))],
      ['bentocache, knex', (n) => bento.set({ key: String(n), value: nextValueOf(n) })],
      ...(keyvRedis === undefined
        ? []
        : [['@keyv/redis, appendfsync everysec', (n) => keyvRedis.set(String(n), nextValueOf(n))]]),
    ],
    async stop() {
      await raw.close();
      await dataSource.destroy();
      await keyvSqlite.disconnect();
      await bento.disconnectAll();
      await connection.destroy();
      await keyvRedis?.disconnect();
      await redis?.stop();
    },
  };
}
