import { Stamps } from '../../../dist/src/core/writing/stamps.js';
import { TypeOrmStorage } from '../../../dist/src/storage/typeorm-storage.js';
import { sortedRows } from '../raw/rows.mjs';
import { reachable } from '../support/databases.mjs';
import { scatteredKey, valueOf } from '../support/keys.mjs';
import { quartiles } from '../support/rounds.mjs';

const ROWS = 100_000;
/** As many as the engine puts into one transaction. */
const BATCH = 10_000;
const SINGLES = 300;
const READS = 1000;
const ROUNDS = 5;

const stamps = new Stamps();

/** The storage adapter on each database, against the fastest way by hand on the same driver. */
export const databases = {
  name: 'databases',
  title: `Rows a second by database and path, of 200 bytes, against the raw driver in the same run`,
  chart: {
    axis: 'of the driver by hand',
    bar: (row) => ({ name: `${row.database}: ${row.path}`, value: row.ratio }),
  },
  async run() {
    const rows = [];
    for (const database of await reachable()) rows.push(...(await measure(database)));
    return rows;
  },
};

async function measure({ name, raw, open }) {
  const options = open();
  const storage = new TypeOrmStorage({ storage: options, migrationsRun: true, synchronous: 'full' });
  await storage.open();
  const byHand = await raw(options);
  const paths = [
    {
      path: `write ${ROWS}`,
      count: ROWS,
      form: byHand.form,
      ours: async (namespace) => {
        const atoms = atomsOf(namespace, ROWS);
        return timed(() => writeAll(storage, atoms));
      },
      theirs: (namespace) => {
        const rows = sortedRows(namespace, ROWS, valueOf);
        return timed(() => byHand.write(rows));
      },
    },
    {
      path: 'write 1, awaited',
      count: SINGLES,
      form: 'one upsert',
      ours: (namespace) =>
        timed(async () => {
          for (const atom of atomsOf(namespace, SINGLES)) await storage.write([atom], newCommit());
        }),
      theirs: (namespace) =>
        timed(async () => {
          for (const row of sortedRows(namespace, SINGLES, valueOf)) await byHand.writeOne(row);
        }),
    },
    {
      path: `load ${ROWS}`,
      count: ROWS,
      filled: true,
      form: 'one SELECT + JSON.parse',
      ours: (namespace) =>
        timed(async () => {
          let after;
          do {
            const page = await storage.load(namespace, { after, limit: 1000, now: Date.now() });
            for (const row of page.rows) JSON.parse(row.value);
            after = page.next;
          } while (after !== undefined);
        }),
      theirs: (namespace) =>
        timed(async () => {
          for (const row of await byHand.load(namespace)) JSON.parse(String(row.value));
        }),
    },
    {
      path: `read ${READS} keys`,
      count: READS,
      filled: true,
      form: 'one SELECT',
      ours: (namespace) => timed(() => storage.read(namespace, keysOf(READS))),
      theirs: (namespace) => timed(() => byHand.read(namespace, keysOf(READS))),
    },
  ];
  const filled = 'filled';
  await writeAll(storage, atomsOf(filled, ROWS));
  const rows = [];
  for (const path of paths) {
    const ours = [];
    const theirs = [];
    // The first round warms up, and is not counted.
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const [run, samples] of [
        [path.ours, ours],
        [path.theirs, theirs],
      ]) {
        const namespace = path.filled === true ? filled : 'written';
        const ms = await run(namespace);
        if (round > 0) samples.push((path.count * 1000) / ms);
        if (path.filled !== true) await storage.clear(namespace, { stamp: 0, now: Date.now() });
      }
    }
    const [low, ratio, high] = quartiles(ours.map((speed, i) => speed / theirs[i]));
    rows.push({
      database: name,
      path: path.path,
      'ours/s': Math.round(quartiles(ours)[1]),
      'by hand/s': Math.round(quartiles(theirs)[1]),
      ratio: Number(ratio.toFixed(2)),
      spread: `±${((high - low) / 2).toFixed(2)}`,
      'by hand': path.form,
    });
  }
  await storage.clear(filled, { stamp: 0, now: Date.now() });
  await byHand.close();
  await storage.close();
  return rows;
}

function keysOf(count) {
  return Array.from({ length: count }, (_, i) => String(scatteredKey(i * 97)));
}

/** Rows to write, each for itself. */
function atomsOf(namespace, count) {
  return Array.from({ length: count }, (_, i) => [
    { namespace, key: String(scatteredKey(i)), value: JSON.stringify(valueOf(i)), expiresAt: null },
  ]);
}

async function writeAll(storage, atoms) {
  for (let start = 0; start < atoms.length; start += BATCH)
    await storage.write(atoms.slice(start, start + BATCH), newCommit());
}

function newCommit() {
  return { stamp: stamps.next(), now: Date.now() };
}

async function timed(task) {
  const startedAt = performance.now();
  await task();
  return performance.now() - startedAt;
}
