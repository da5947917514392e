import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { TypeOrmStorage } from '../../../dist/src/storage/typeorm-storage.js';
import { BETTER_SQLITE3, MARIADB, POSTGRES, SQLITE3, reachable } from '../support/databases.mjs';
import { quartiles } from '../support/rounds.mjs';

const APP = join(import.meta.dirname, '..', 'support', 'bulk-app.mjs');
const CASES = [
  { database: SQLITE3, size: 1_000_000 },
  { database: BETTER_SQLITE3, size: 1_000_000 },
  { database: POSTGRES, size: 1_000_000 },
  { database: MARIADB, size: 1_000_000 },
];
const ROUNDS = 3;

/** A scan of every row against the load of as many. */
export const listing = {
  name: 'listing',
  title: 'Scan of all entries, nearly none of them in memory, against their load into memory',
  note:
    'The scan decodes and freezes each value, and reads a page while the one before it is given; the load keeps texts, and ' +
    'puts them into memory. Memory: what the process took more, MB.',
  chart: {
    axis: 'rows/s',
    bar: (row) => ({ name: `${row.database}: ${row.what}`, value: row['rows/s'], isOurs: true }),
  },
  async run() {
    const there = await reachable();
    const rows = [];
    for (const one of CASES) if (there.includes(one.database)) rows.push(await measure(one));
    return rows;
  },
};

async function measure({ database, size }) {
  const storage = await emptied(database);
  const run = (task) => {
    const options = { way: 'ours', task, name: database.name, storage, size, bytes: 200 };
    const args = ['--expose-gc', '--max-old-space-size=12000', APP, JSON.stringify(options)];
    return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1e8 }));
  };
  run('flush');
  const rounds = Array.from({ length: ROUNDS }, () => ({ load: run('load'), scan: run('scan') }));
  await emptied(database);
  const ratioOf = (field) => quartiles(rounds.map(({ load, scan }) => load[field] / scan[field]));
  const [low, ratio, high] = ratioOf('ms');
  const median = (task, field) => quartiles(rounds.map((round) => round[task][field]))[1];
  return {
    database: database.name,
    what: `scan ${size}`,
    'rows/s': Math.round((size * 1000) / median('scan', 'ms')),
    'load rows/s': Math.round((size * 1000) / median('load', 'ms')),
    'of the load': Number(ratio.toFixed(2)),
    spread: `±${((high - low) / 2).toFixed(2)}`,
    'must reach': 0.9,
    'of its CPU time': Number(ratioOf('cpuMs')[1].toFixed(2)),
    'memory / load': `${median('scan', 'memoryMb')} / ${median('load', 'memoryMb')}`,
  };
}

async function emptied(database) {
  const storage = database.open();
  const adapter = new TypeOrmStorage({ storage, migrationsRun: true, synchronous: 'full' });
  await adapter.open();
  await adapter.clear('bench', { stamp: 0, now: Date.now() });
  await adapter.close();
  return storage;
}
