import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { TypeOrmStorage } from '../../../dist/src/storage/typeorm-storage.js';
import { BETTER_SQLITE3, MARIADB, POSTGRES, SQLITE3, reachable } from '../support/databases.mjs';
import { quartiles } from '../support/rounds.mjs';

const APP = join(import.meta.dirname, '..', 'support', 'bulk-app.mjs');
const WAYS = { ours: 'bench', raw: 'raw', typeorm: 'typeorm' };

/** So many rows of so many bytes; above 100 000 TypeORM's own ways take minutes. */
const CASES = [
  { database: SQLITE3, size: 10_000, rounds: 9, ways: ['ours', 'raw', 'typeorm'] },
  { database: SQLITE3, size: 100_000, rounds: 3, ways: ['ours', 'raw', 'typeorm'] },
  { database: SQLITE3, size: 1_000_000, rounds: 1, ways: ['ours', 'raw'] },
  { database: SQLITE3, size: 1_000_000, rounds: 1, ways: ['ours', 'raw'], bytes: 2000 },
  { database: BETTER_SQLITE3, size: 10_000, rounds: 9, ways: ['ours', 'raw', 'typeorm'] },
  { database: BETTER_SQLITE3, size: 100_000, rounds: 3, ways: ['ours', 'raw', 'typeorm'] },
  { database: BETTER_SQLITE3, size: 1_000_000, rounds: 1, ways: ['ours', 'raw'] },
  { database: BETTER_SQLITE3, size: 1_000_000, rounds: 1, ways: ['ours'], bytes: 2000 },
  { database: POSTGRES, size: 100_000, rounds: 3, ways: ['ours', 'raw', 'typeorm'] },
  { database: MARIADB, size: 100_000, rounds: 3, ways: ['ours', 'raw', 'typeorm'] },
];

/**
 * What a flush must reach of the driver by hand, which prepares and writes in turns; of few rows, and of many. sqlite3 writes
 * beside the event loop: there the two can overlap.
 */
const FLUSH = {
  [SQLITE3.name]: { few: 0.85, many: 1.3 },
  [BETTER_SQLITE3.name]: { few: 0.8, many: 0.8 },
  [POSTGRES.name]: { many: 1 },
  [MARIADB.name]: { many: 0.7 },
};
const LOAD = { few: '', many: 0.9 };
const MANY = 100_000;
/** The most that the 99th percentile of the event loop's delay may be during a flush, ms. */
const FLUSH_DELAY_MS = 20;

/** The engine's flush of dirty entries and its load of a namespace, against the driver by hand and TypeORM's own ways. */
export const bulk = {
  name: 'bulk',
  title: 'Flush of dirty entries and load of a namespace; delay of the event loop meanwhile',
  note:
    'by hand: the fastest way of the driver, in one transaction and one statement after the other (PostgreSQL: COPY ' +
    'and a merge; MariaDB: LOAD DATA), and one SELECT with JSON.parse. TypeORM: upsert, find. Memory: what the ' +
    'process grew by during the load, MB. The longest delay of a load of 1 000 000 is the constructor of lru-cache, ' +
    'before the first row. The longest delay of a flush of 2 GB is the garbage collector, which has as much to mark ' +
    'when the work is done by hand. better-sqlite3 writes and commits on the thread of the event loop.',
  chart: {
    axis: 'rows/s',
    bar: (row) => ({ name: `${row.database}: ${row.what}`, value: row['rows/s'] }),
  },
  async run() {
    const there = await reachable();
    const rows = [];
    for (const one of CASES) if (there.includes(one.database)) rows.push(...(await measure(one)));
    return rows;
  },
};

async function measure({ database, size, rounds, ways, bytes = 200 }) {
  const samples = Object.fromEntries(ways.map((way) => [way, { flush: [], load: [] }]));
  for (let round = 0; round < rounds; round += 1) {
    for (const way of ways) {
      const storage = await emptied(database);
      for (const task of ['flush', 'load'])
        samples[way][task].push(run({ way, task, name: database.name, storage, size, bytes }));
    }
  }
  await emptied(database);
  return ['flush', 'load'].map((task) => rowOf(task, { database, size, bytes, samples }));
}

function rowOf(task, { database, size, bytes, samples }) {
  const ours = samples.ours[task];
  const median = (list, field) => quartiles(list.map((one) => one[field]))[1];
  const against = (way) => {
    const theirs = samples[way]?.[task];
    if (theirs === undefined) return undefined;
    return quartiles(ours.map(({ ms }, i) => theirs[i].ms / ms));
  };
  const raw = against('raw');
  const typeorm = against('typeorm');
  const find = samples.typeorm?.load;
  const target = (task === 'flush' ? FLUSH[database.name] : LOAD)[size < MANY ? 'few' : 'many'];
  return {
    database: database.name,
    what: `${task} ${size}${bytes === 200 ? '' : ` of ${bytes} bytes`}`,
    'rows/s': Math.round((size * 1000) / median(ours, 'ms')),
    'by hand rows/s': raw === undefined ? '' : Math.round((size * 1000) / median(samples.raw[task], 'ms')),
    'of by hand': raw === undefined ? '' : Number(raw[1].toFixed(2)),
    spread: raw === undefined ? '' : `±${((raw[2] - raw[0]) / 2).toFixed(2)}`,
    'must reach': raw === undefined ? '' : target,
    'of TypeORM': typeorm === undefined ? '' : `${typeorm[1].toFixed(1)} ×`,
    'delay p99, max ms': `${median(ours, 'p99')}, ${median(ours, 'max')}`,
    'p99 at most': task === 'flush' ? FLUSH_DELAY_MS : '',
    'by hand, max': raw === undefined ? '' : median(samples.raw[task], 'max'),
    'memory / find':
      task === 'flush' || find === undefined
        ? ''
        : `${median(ours, 'memoryMb')} / ${median(find, 'memoryMb')}`,
  };
}

/** Options of a storage with the schema and without rows. */
async function emptied(database) {
  const storage = database.open();
  const adapter = new TypeOrmStorage({ storage, migrationsRun: true, synchronous: 'full' });
  await adapter.open();
  for (const namespace of Object.values(WAYS)) await adapter.clear(namespace, { stamp: 0, now: Date.now() });
  await adapter.close();
  return storage;
}

function run(options) {
  const args = ['--expose-gc', '--max-old-space-size=12000', APP, JSON.stringify(options)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1e8 }));
}
