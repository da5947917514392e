import { defineNamespace, json, numberKey } from '../../../dist/src/index.js';
import { rowOf } from '../raw/rows.mjs';
import { openRaw } from '../raw/sqlite3.mjs';
import { newDatabase, openCaches } from '../support/app.mjs';
import { nextValueOf, valueOf } from '../support/keys.mjs';
import { compare } from '../support/rounds.mjs';

const CALLS = 1000;

/** What calls cost that come together: updates of one key share commits, and misses share queries. */
export const coalescing = {
  name: 'coalescing',
  title: `${CALLS} calls at once against ${CALLS} one by one: SQLite, driver sqlite3`,
  chart: {
    axis: 'calls/s',
    isLogarithmic: true,
    bar: (row) => ({ name: row.what, value: row['calls/s'], isOurs: row['must reach'] !== '' }),
  },
  async run() {
    const database = newDatabase();
    const counters = defineNamespace({ name: 'counters', key: numberKey(), value: json() });
    // Room for one: every other key is a miss.
    const absent = defineNamespace({ name: 'absent', key: numberKey(), value: json(), maxEntries: 1 });
    const numbers = defineNamespace({ name: 'numbers', key: numberKey(), value: json() });
    const { caches, close } = await openCaches([counters, absent, numbers], {
      storage: { type: 'sqlite', database },
    });
    const [counter, missing, number] = caches;
    let locks = 0;
    await missing.setMany(Array.from({ length: CALLS * 2 }, (_, i) => [i, valueOf(i)]));
    const raw = await openRaw({ database });
    const together = (call) => async (times) => {
      for (let i = 0; i < times; i += 1) await Promise.all(Array.from({ length: CALLS }, (_, n) => call(n)));
    };
    const oneByOne = (call) => async (times) => {
      for (let i = 0; i < times; i += 1) for (let n = 0; n < CALLS; n += 1) await call(n);
    };
    const updates = await compare(
      [
        {
          name: `${CALLS} sequential commits`,
          run: oneByOne(() => raw.writeOne(rowOf('raw', 1, nextValueOf(1)))),
        },
        {
          name: `${CALLS} update() of one key`,
          run: together(() => counter.update(1, (current) => ({ n: (current?.n ?? 0) + 1 }))),
        },
        { name: `${CALLS} increment() of one key`, run: together(() => number.increment(1)) },
        {
          name: `${CALLS} setIfAbsent() of one key, one of which wins`,
          // Each time another one.
          run: together((n) => number.setIfAbsent(2 + (n === 0 ? (locks += 1) : locks), n)),
        },
      ],
      { rounds: 5 },
    );
    const misses = await compare(
      [
        { name: `${CALLS} single SELECTs`, run: oneByOne((n) => raw.read('absent', [String(n)])) },
        { name: `${CALLS} get() of keys not in memory`, run: together((n) => missing.get(n)) },
      ],
      { rounds: 15 },
    );
    await raw.close();
    await close();
    const targets = new Map([
      [updates[1], 50],
      [updates[2], 50],
      [updates[3], 50],
      [misses[1], 10],
    ]);
    return [...updates, ...misses].map((result) => ({
      what: result.name,
      'calls/s': Math.round(result.perSecond * CALLS),
      ratio: Number(result.ratio.toFixed(1)),
      spread: `±${result.spread.toFixed(1)}`,
      'must reach': targets.get(result) ?? '',
    }));
  },
};
