import { DataSource } from 'typeorm';
import { CacheStorage, cacheMigrations, defineNamespace, json, numberKey } from '../../../dist/src/index.js';
import { rowOf } from '../raw/rows.mjs';
import { openCaches } from '../support/app.mjs';
import { BETTER_SQLITE3, MARIADB, POSTGRES, SQLITE3, reachable } from '../support/databases.mjs';
import { openPeers } from '../support/durable-peers.mjs';
import { nextValueOf } from '../support/keys.mjs';
import { compare } from '../support/rounds.mjs';

const WRITERS = [1, 16, 256];
/** Keys that are written, over and over. */
const KEYS = 50_000;
/** Rows in one commit of the raw form: what 256 writers make of a group commit. */
const RAW_BATCH = 256;
const RAW = 'raw upsert, one row';
const RAW_MANY = `raw, ${RAW_BATCH} rows in a commit`;
const NAIVE = 'naive: TypeORM upsert per set';
const REDIS = '@keyv/redis, appendfsync everysec';
const LMDB = 'lmdb: put and flushed';

const TARGETS = {
  [SQLITE3.name]: {
    1: { [RAW]: 0.85, [LMDB]: 1 },
    16: { [NAIVE]: 6, [LMDB]: 1 },
    256: {
      [NAIVE]: 15,
      '@keyv/sqlite, WAL': 15,
      'bentocache, knex': 15,
      [LMDB]: 1,
      [REDIS]: 0.7,
      [RAW_MANY]: 0.6,
    },
  },
  [BETTER_SQLITE3.name]: { 1: { [RAW]: 0.6 }, 256: { [NAIVE]: 15, [RAW_MANY]: 0.55 } },
  [POSTGRES.name]: { 256: { [NAIVE]: 10 } },
  [MARIADB.name]: { 256: { [NAIVE]: 5 } },
};

/** Writes that are acknowledged when they are committed, with so many writers that each wait for their own. */
export const durableWrites = {
  name: 'durable-writes',
  title: 'ON_CHANGE sets, each awaited by its writer; SQLite with WAL and synchronous=FULL',
  note:
    'lmdb and Redis with appendfsync always promise the same as ours: an acknowledged write is on the disk. Redis ' +
    'with appendfsync everysec may lose a second of acknowledged writes. sqlite3 commits on another thread, better-' +
    'sqlite3 on the thread of the event loop: there the engine’s own work comes on top of a commit of 130 µs, and the' +
    ' JSON texts on top of a commit of 256 rows. On PostgreSQL 256 writers are as fast as commits of 256 rows by ' +
    'hand; how far ahead of TypeORM that is depends on how much TypeORM’s ten connections do at once.',
  chart: {
    axis: 'writes/s with 256 writers',
    isLogarithmic: true,
    bar: (row) =>
      row.writers === 256
        ? {
            name: `${row.database}: ${row.what}`,
            value: row['writes/s'],
            isOurs: row.what === 'ours',
          }
        : undefined,
  },
  async run() {
    const rows = [];
    for (const database of await reachable()) rows.push(...(await measure(database)));
    return rows;
  },
};

async function measure(database) {
  const storage = database.open();
  const bench = defineNamespace({ name: 'bench', key: numberKey(), value: json(), maxEntries: 100_000 });
  const { caches, service, close } = await openCaches([bench], { storage });
  const [cache] = caches;
  // On files of their own: two connections would wait for each other's locks.
  const others = database.open();
  const naive = await openNaive(others);
  const raw = await database.raw(others);
  const peers = database === SQLITE3 ? await openPeers() : undefined;
  const rows = [];
  for (const writers of WRITERS) {
    const cases = [
      ['ours', (n) => cache.set(n, nextValueOf(n))],
      ...(writers === 1 ? [[RAW, (n) => raw.writeOne(rawRow(n))]] : []),
      [NAIVE, (n) => naive.set(n)],
      ...(peers?.sets ?? []),
    ].map(([name, set]) => ({ name, run: writersOf(set, writers) }));
    if (writers === RAW_BATCH) cases.push({ name: RAW_MANY, run: batchesOf(raw) });
    for (const { name, perSecond, ratio, spread } of await compare(cases, { rounds: 9, sliceMs: 150 })) {
      rows.push({
        database: database.name,
        writers,
        what: name,
        'writes/s': Math.round(perSecond),
        'ours / this': Number((1 / ratio).toFixed(2)),
        spread: `±${(spread / ratio / ratio).toFixed(2)}`,
        'must reach': TARGETS[database.name][writers]?.[name] ?? '',
      });
    }
  }
  await service.clearNamespace(bench);
  await close();
  await naive.close();
  await raw.close();
  await peers?.close();
  return rows;
}

/** So many writers, each of which writes again as soon as its last write is acknowledged. */
function writersOf(set, writers) {
  return async (times) => {
    let next = 0;
    const write = async () => {
      for (let n = next++; n < times; n = next++) await set(n % KEYS);
    };
    await Promise.all(Array.from({ length: writers }, write));
  };
}

function batchesOf(raw) {
  return async (times) => {
    for (let start = 0; start < times; start += RAW_BATCH) {
      const count = Math.min(RAW_BATCH, times - start);
      await raw.writeMany(Array.from({ length: count }, (_, i) => rawRow((start + i) % KEYS)));
    }
  };
}

function rawRow(n) {
  return rowOf('raw', n, nextValueOf(n));
}

/** What an application writes by hand: one upsert of the entity for each change. */
async function openNaive(storage) {
  const dataSource = await new DataSource({
    ...storage,
    ...('url' in storage ? {} : { enableWAL: true }),
    entities: [CacheStorage],
    migrations: cacheMigrations,
    migrationsTableName: 'cache_migrations',
    migrationsRun: true,
  }).initialize();
  if (!('url' in storage)) await dataSource.query('PRAGMA synchronous = FULL');
  const repository = dataSource.getRepository(CacheStorage);
  return {
    set(n) {
      const { key, value } = rawRow(n);
      return repository.upsert({ namespace: 'naive', key, value }, ['namespace', 'key']);
    },
    async close() {
      await repository.delete({ namespace: 'naive' });
      await repository.delete({ namespace: 'raw' });
      await dataSource.destroy();
    },
  };
}
