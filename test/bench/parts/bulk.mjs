import { DataSource } from 'typeorm';
import { CacheStorage, defineNamespace, json, numberKey } from '../../../dist/src/index.js';
import { openRaw as betterSqlite3 } from '../raw/better-sqlite3.mjs';
import { openRaw as sqlite3 } from '../raw/sqlite3.mjs';
import { newDatabase, openCaches } from '../support/app.mjs';
import { delayDuring } from '../support/event-loop.mjs';
import { valueOf } from '../support/keys.mjs';

const SIZES = [10_000, 100_000];
const DRIVERS = [
  { type: 'sqlite', raw: sqlite3 },
  { type: 'better-sqlite3', raw: betterSqlite3 },
];
/** Above this TypeORM's own ways take minutes. */
const TYPEORM_LIMIT = 100_000;

/** What was loaded by other ways than ours: a load is to hold it, or the collector has less to do. */
let held;

/** The engine's flush of dirty entries and its load of a namespace, against the driver by hand and TypeORM's own ways. */
export const bulk = {
  name: 'bulk',
  title:
    'Flush and load of a whole namespace on SQLite, values of 200 bytes; delay of the event loop meanwhile',
  async run() {
    const rows = [];
    for (const driver of DRIVERS) for (const size of SIZES) rows.push(...(await measure(driver, size)));
    rows.push(...(await measure(DRIVERS[0], 100_000, 2000)));
    return rows;
  },
};

async function measure({ type, raw }, size, bytes = 200) {
  const storage = { type, database: newDatabase() };
  const bench = defineNamespace({
    name: 'bench',
    key: numberKey(),
    value: json(),
    persistence: 'on_shutdown',
    maxEntries: size,
  });
  const options = { storage, maxPending: size + 1, shutdownTimeoutMs: 600_000 };
  const opened = await openCaches([bench], options);
  const [cache] = opened.caches;
  const value = (i) => (bytes === 200 ? valueOf(i) : { ...valueOf(i), more: 'y'.repeat(bytes - 200) });
  // No turn of the event loop in between: all of it is dirty when the flush begins.
  for (let i = 0; i < size; i += 1) void cache.set((i * 7_368_787) % 1_000_003, value(i));
  const flush = await delayDuring(() => cache.flush());
  await opened.close();

  // From one start to another: the time of a start with the rows, less that of one without them.
  const start = (namespaces) =>
    delayDuring(async () => {
      const again = await openCaches(namespaces, options);
      if (again.caches.some((loaded) => loaded.size !== size)) throw new Error('Not all of it was loaded.');
      opened.again = again;
    });
  const empty = await start([]);
  await opened.again.close();
  const load = await start([bench]);
  load.ms -= empty.ms;
  await opened.again.close();

  const byHand = await raw({ database: storage.database });
  const written = rowsOf(size, value);
  const rawFlush = await delayDuring(() => byHand.write(written));
  const rawLoad = await delayDuring(async () => {
    held = new Map();
    for (const row of await byHand.load('raw')) held.set(Number(row.key), JSON.parse(row.value));
  });
  await byHand.close();
  if (held.size !== size) throw new Error('Not all of it was loaded.');

  const theirs = size > TYPEORM_LIMIT ? undefined : await throughTypeOrm(storage, written);
  const row = (what, ours, limit, other) => ({
    what: `${what} ${size}, ${type}${bytes === 200 ? '' : `, ${bytes} bytes`}`,
    'ours/s': Math.round((size * 1000) / ours.ms),
    'by hand/s': Math.round((size * 1000) / limit.ms),
    ratio: Number((limit.ms / ours.ms).toFixed(2)),
    'to TypeORM': other === undefined ? '' : `${(other / ours.ms).toFixed(1)} ×`,
    'delay p99, max ms': `${ours.p99}, ${ours.max}`,
    'by hand': `${limit.p99}, ${limit.max}`,
  });
  return [row('flush', flush, rawFlush, theirs?.upsert), row('load', load, rawLoad, theirs?.find)];
}

function rowsOf(size, value) {
  const rows = Array.from({ length: size }, (_, i) => ({
    namespace: 'raw',
    key: String((i * 7_368_787) % 1_000_003),
    value: JSON.stringify(value(i)),
    updatedAt: '2026-01-01 00:00:00.000',
  }));
  return rows.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** `repository.upsert` in parts of 400 (it reads them back, and SQLite takes no more), and `repository.find`. */
async function throughTypeOrm(storage, written) {
  const dataSource = await new DataSource({ ...storage, entities: [CacheStorage] }).initialize();
  const repository = dataSource.getRepository(CacheStorage);
  const entities = written.map(({ key, value }) => ({ namespace: 'typeorm', key, value }));
  const upsert = await delayDuring(async () => {
    for (let start = 0; start < entities.length; start += 400)
      await repository.upsert(entities.slice(start, start + 400), ['namespace', 'key']);
  });
  const find = await delayDuring(async () => {
    held = new Map();
    for (const entity of await repository.find({ where: { namespace: 'typeorm' } }))
      held.set(Number(entity.key), JSON.parse(entity.value));
  });
  await dataSource.destroy();
  return { upsert: upsert.ms, find: find.ms };
}
