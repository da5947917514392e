import { Stamps } from '../../../dist/src/core/writing/stamps.js';
import { TypeOrmStorage } from '../../../dist/src/storage/typeorm-storage.js';
import { reachable } from '../support/databases.mjs';
import { scatteredKey, valueOf } from '../support/keys.mjs';
import { compare } from '../support/rounds.mjs';

const KEYS = 1000;
/** Rows of a write, and the share of the blind write's speed that is asked for. */
const SIZES = [
  [1, 0.8],
  [100, 0.87],
  [1000, 0.87],
];

const stamps = new Stamps();

/** What it costs a write to compare the stamp of each of its rows. */
export const conditionalWrites = {
  name: 'conditional-writes',
  title: 'Compare-and-set beside a blind write of the same rows, of 200 bytes',
  // MariaDB's parts of a write, timed in the driver: lower quartiles of 60 to 100 writes, ms, on two cores that others kept busy.
  note:
    'Rows that are there, each written with the stamp that it expects, beside the same rows written whatever they are. What MariaDB ' +
    'pays, by the parts of a write, in ms, where an empty trip takes 0.1: of 10 rows BEGIN 0.1, the UPDATE of the rows that are as ' +
    'expected 1.0 and COMMIT 0.6, beside 2.0 of the blind INSERT, which commits by itself; of 100 rows BEGIN 0.2, the SELECT that ' +
    'locks them 2.0, INSERT 3.5 and COMMIT 1.6, beside 4.8; of 1000 rows BEGIN 1.8, two such SELECTs of 3.6, two INSERTs of 10.8 ' +
    'and COMMIT 7.9, beside BEGIN 0.5, two INSERTs of 8.9 and COMMIT 4.3. So what many rows pay for is the reading with a lock, ' +
    'time of the server, and not the trips. A lone row is one statement either way, and inside of a transaction takes 0.20 beside 0.18.',
  async run() {
    const rows = [];
    for (const database of await reachable()) rows.push(...(await measure(database)));
    return rows;
  },
};

async function measure({ name, open }) {
  const storage = new TypeOrmStorage({ storage: open(), migrationsRun: true, synchronous: 'full' });
  await storage.open();
  const rows = [];
  for (const [size, target] of SIZES) {
    const [, result] = await compare(
      [
        { name: 'blind', run: writing(storage, 'blind', size, false) },
        { name: 'conditional', run: writing(storage, 'conditional', size, true) },
      ],
      { sliceMs: 100 },
    );
    rows.push({
      database: name,
      rows: size,
      'rows/s': Math.round(result.perSecond * size),
      ratio: Number(result.ratio.toFixed(2)),
      spread: `±${result.spread.toFixed(2)}`,
      'must reach': name === 'MariaDB' ? '' : target,
    });
    for (const namespace of ['blind', 'conditional'])
      await storage.clear(namespace, { stamp: 0, now: Date.now() });
  }
  await storage.close();
  return rows;
}

/** Writes the same rows over and over, in turns of `size`. */
function writing(storage, namespace, size, isConditional) {
  const expected = new Map();
  let next = 0;
  return async (times) => {
    for (let i = 0; i < times; i += 1) {
      const stamp = stamps.next();
      const atoms = Array.from({ length: size }, (_, row) => {
        const key = String(scatteredKey((next + row) % KEYS));
        const expects = isConditional ? (expected.get(key) ?? null) : undefined;
        expected.set(key, stamp);
        return [{ namespace, key, value: JSON.stringify(valueOf(next + row)), expiresAt: null, expects }];
      });
      next += size;
      const outcomes = await storage.write(atoms, { stamp, now: Date.now() });
      if (outcomes.some(({ kind }) => kind !== 'committed')) throw new Error('A write has lost.');
    }
  };
}
