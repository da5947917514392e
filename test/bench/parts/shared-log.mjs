import { Stamps } from '../../../dist/src/core/writing/stamps.js';
import { TypeOrmStorage } from '../../../dist/src/storage/typeorm-storage.js';
import { reachable } from '../support/databases.mjs';
import { scatteredKey, valueOf } from '../support/keys.mjs';
import { compare } from '../support/rounds.mjs';

const KEYS = 1000;
/** Rows of a commit: what a lone writer makes, and the group commit of 16, of 100 and of 256. */
const SIZES = [1, 16, 100, 256];
/** The share of the speed without notes that is asked for. */
const target = (database, size) => (database === 'MariaDB' && size > 1 ? 0.7 : 0.85);
/** Notes are removed as an application does: in the background, many at a time. */
const TRIM_EVERY = 2000;

const stamps = new Stamps();

/** What it costs a commit to say in the log of its instance what it changes, for others on the same database. */
export const sharedLog = {
  name: 'shared-log',
  title: 'Commits that leave a note for other instances, beside the same commits without',
  note:
    'Rows of 200 bytes, the same ones over and over: whatever is there (blind), or with the stamp that each expects (conditional). The ' +
    'note is in the transaction of its commit. sqlite3, PostgreSQL and MariaDB write both in one trip, but for the several conditional ' +
    'rows of MariaDB. The removal of old notes is in it.',
  async run() {
    const rows = [];
    for (const database of await reachable()) rows.push(...(await measure(database)));
    return rows;
  },
};

async function measure({ name, open }) {
  const storage = new TypeOrmStorage({ storage: open(), migrationsRun: true, synchronous: 'full' });
  await storage.open();
  const writer = Math.ceil(Math.random() * Number.MAX_SAFE_INTEGER);
  await storage.join({ writer, mode: 'many', about: 'bench' });
  const rows = [];
  let n = 0;
  for (const isConditional of [false, true])
    for (const size of SIZES) {
      const logged = () => ({ writer, n: (n += 1) });
      const [, result] = await compare(
        [
          { name: 'without', run: committing(storage, 'without', { size, isConditional }) },
          { name: 'with', run: committing(storage, 'with', { size, isConditional, logged }) },
        ],
        { sliceMs: 100 },
      );
      rows.push({
        database: name,
        rows: size,
        kind: isConditional ? 'conditional' : 'blind',
        'commits/s': Math.round(result.perSecond),
        ratio: Number(result.ratio.toFixed(2)),
        spread: `±${result.spread.toFixed(2)}`,
        'must reach': isConditional ? '' : target(name, size),
      });
      for (const namespace of ['without', 'with'])
        await storage.clear(namespace, { stamp: 0, now: Date.now() });
    }
  await storage.remove(writer);
  await storage.close();
  return rows;
}

/** Commits the same rows over and over, in turns of `size`; with `logged`, each with a note there. */
function committing(storage, namespace, { size, isConditional, logged }) {
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
      const position = logged?.();
      const outcomes = await storage.write(atoms, { stamp, now: Date.now(), logged: position });
      if (outcomes.some(({ kind }) => kind !== 'committed')) throw new Error('A write has lost.');
      if (position !== undefined && position.n % TRIM_EVERY === 0)
        await storage.trimLog({ ...position, n: position.n - TRIM_EVERY });
    }
  };
}
