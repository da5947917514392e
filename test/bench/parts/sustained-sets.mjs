import { LRUCache } from 'lru-cache';
import { defineNamespace, json, stringKey } from '../../../dist/src/index.js';
import { openCaches } from '../support/app.mjs';
import { valueOf } from '../support/keys.mjs';
import { quartiles } from '../support/rounds.mjs';

const SETS = 100_000;
const ROUNDS = 9;
/** Sets between two turns of the event loop, where there are any: what a server sets while it handles some requests. */
const SETS_A_TURN = 1000;

const LIMIT = 'lru-cache set + JSON.stringify';
const LOOP = 'the sets’ loop, with the flushes it had to share it with';
const DURABLE = 'until everything is in the database';

/** Two loops over the same keys: one that only awaits its sets, and one that gives the event loop its turns. */
const LOOPS = [
  { name: 'awaits alone', every: Infinity, target: 0.7 },
  { name: `a turn of the event loop every ${SETS_A_TURN}`, every: SETS_A_TURN },
];

/** Writes of new keys that are acknowledged in memory, with what it costs that they are written to the database. */
export const sustainedSets = {
  name: 'sustained-sets',
  title: `${SETS} ON_SHUTDOWN sets of distinct keys, awaited one by one; SQLite, driver sqlite3, options as they come`,
  note:
    'Each round has new caches with room for all keys. A loop that only awaits its sets shares the event loop with a ' +
    'flush when the engine makes it wait (maxDirty); a loop with turns shares it with every flush. Written: the rows ' +
    'that the flushes wrote meanwhile.',
  chart: {
    axis: 'million sets/s',
    bar: (row) => ({ name: `${row.loop}: ${row.what}`, value: row['M/s'], isOurs: row.what !== LIMIT }),
  },
  async run() {
    const rows = [];
    for (const loop of LOOPS) rows.push(...(await measure(loop)));
    return rows;
  },
};

async function measure({ name, every, target }) {
  const limit = [];
  const ours = [];
  // The first round warms up, and is not counted.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const samples = [await runLimit(every), await runOurs(every)];
    if (round === 0) continue;
    limit.push(samples[0]);
    ours.push(samples[1]);
  }
  const row = (what, list, { written, target: must = '' } = {}) => {
    const [low, ratio, high] = quartiles(list.map((ms, i) => limit[i] / ms));
    return {
      loop: name,
      what,
      'M/s': Number((SETS / quartiles(list)[1] / 1000).toFixed(3)),
      ratio: Number(ratio.toFixed(2)),
      spread: `±${((high - low) / 2).toFixed(2)}`,
      'must reach': must,
      written: written === undefined ? '' : quartiles(ours.map((one) => one[written]))[1],
    };
  };
  return [
    row(LIMIT, limit),
    row(
      `ON_SHUTDOWN set: ${LOOP}`,
      ours.map(({ loopMs }) => loopMs),
      { written: 'meanwhile', target },
    ),
    row(
      `ON_SHUTDOWN set: ${DURABLE}`,
      ours.map(({ durableMs }) => durableMs),
      { written: 'all' },
    ),
  ];
}

async function runLimit(every) {
  const lru = new LRUCache({ max: SETS });
  const ms = await timed(every, (key, value) => {
    JSON.stringify(value);
    lru.set(key, value);
  });
  if (lru.size !== SETS) throw new Error('Not all of it was set.');
  return ms;
}

async function runOurs(every) {
  const namespace = defineNamespace({
    name: 'bench',
    key: stringKey(),
    value: json(),
    persistence: 'on_shutdown',
    maxEntries: SETS,
  });
  const asTheyCome = { maxDirty: undefined, checkpointIntervalMs: undefined };
  const { caches, close } = await openCaches([namespace], asTheyCome);
  const [cache] = caches;
  const loopMs = await timed(every, (key, value) => cache.set(key, value));
  const meanwhile = cache.stats().written;
  const flushedAt = performance.now();
  await cache.flush();
  const durableMs = loopMs + performance.now() - flushedAt;
  const { written: all, dirty } = cache.stats();
  if (dirty > 0) throw new Error('Not all of it was written.');
  await close();
  return { loopMs, durableMs, meanwhile, all };
}

/** How long the sets take, ms. Their keys are made in it, as a request brings them. */
async function timed(every, set) {
  const values = Array.from({ length: 1000 }, (_, i) => valueOf(i));
  // The garbage of the round before would be collected in it, or not.
  globalThis.gc();
  const startedAt = performance.now();
  for (let i = 1; i <= SETS; i += 1) {
    await set(`user:${i}`, values[i % values.length]);
    if (i % every === 0) await turn();
  }
  return performance.now() - startedAt;
}

function turn() {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
