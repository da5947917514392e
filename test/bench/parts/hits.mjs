import { LRUCache } from 'lru-cache';
import { defineNamespace, json, numberKey, stringKey, tupleKey } from '../../../dist/src/index.js';
import { openCaches } from '../support/app.mjs';
import { draws, shuffling, valueOf } from '../support/keys.mjs';
import { compare, quartiles } from '../support/rounds.mjs';

const DRAWS = 65_536;
const DISTRIBUTIONS = ['zipf', 'uniform'];
/**
 * Two caches lie somewhere in memory, and where they lie can be worth more than what is measured: of two equal LRUs with
 * 100 000 numbers one was twice as fast as the other. So there are several pairs, and their median counts.
 */
const PAIRS = 5;
const ROUNDS = 7;

export const hits = {
  name: 'hits',
  title: 'Synchronous hits: getIfPresent against raw lru-cache',
  note: 'A tuple is compared with the look-up of the joined string, joining included.',
  chart: {
    axis: 'of lru-cache',
    bar: (row) => ({ name: row.keys, value: row.ratio, target: row['must reach'] }),
  },
  async run() {
    const rows = [];
    for (const count of [1000, 100_000]) {
      for (const kind of ['number', 'string', 'tuple']) {
        const pairs = [];
        for (let i = 0; i < PAIRS; i += 1) pairs.push(await measurePair(KINDS[kind], count));
        for (const [i, distribution] of DISTRIBUTIONS.entries()) {
          const measured = pairs.map((pair) => pair[i]);
          rows.push({ keys: `${count} ${kind}, ${distribution}`, ...summary(measured, KINDS[kind].target) });
        }
      }
    }
    return rows;
  },
};

const KINDS = {
  number: { codec: numberKey(), keyOf: (i) => i, joined: (key) => key, target: 0.7 },
  string: { codec: stringKey(), keyOf: (i) => `user:${i}`, joined: (key) => key, target: 0.7 },
  tuple: {
    codec: tupleKey(numberKey(), numberKey()),
    keyOf: (i) => [-1_001_234_000_000 - i, i],
    joined: (key) => `${key[0]}:${key[1]}`,
    target: 0.8,
  },
};

/** The limit and ours with the same entries, by distribution. */
async function measurePair({ codec, keyOf, joined }, count) {
  const namespace = defineNamespace({
    name: 'bench',
    key: codec,
    value: json(),
    persistence: 'on_shutdown',
    maxEntries: count,
  });
  const { caches, close } = await openCaches([namespace]);
  const [cache] = caches;
  const lru = new LRUCache({ max: count });
  for (let i = 0; i < count; i += 1) {
    await cache.set(keyOf(i), valueOf(i));
    lru.set(joined(keyOf(i)), valueOf(i));
  }
  await cache.flush();
  const measured = [];
  for (const distribution of DISTRIBUTIONS) {
    // Each call has a key of its own object or string, as in a request; nothing is looked up by identity.
    const keys = Array.from(draws(count, DRAWS, distribution), keyOf);
    // The first read of a value decodes it.
    for (const key of keys) cache.getIfPresent(key);
    const nextKey = shuffling(keys);
    const cases = [
      {
        name: 'lru-cache',
        run(times) {
          let found = 0;
          for (let i = 0; i < times; i += 1) if (lru.get(joined(nextKey())) !== undefined) found += 1;
          if (found !== times) throw new Error('missed');
        },
      },
      {
        name: 'getIfPresent',
        run(times) {
          let found = 0;
          for (let i = 0; i < times; i += 1) if (cache.getIfPresent(nextKey()) !== undefined) found += 1;
          if (found !== times) throw new Error('missed');
        },
      },
    ];
    measured.push(await compare(cases, { rounds: ROUNDS }));
  }
  await close();
  return measured;
}

/** Medians over the pairs. */
function summary(pairs, target) {
  const speedOf = (which) => quartiles(pairs.map((pair) => pair[which].perSecond))[1] / 1e6;
  const [low, ratio, high] = quartiles(pairs.map(([, ours]) => ours.ratio));
  return {
    'lru-cache M/s': Number(speedOf(0).toFixed(2)),
    'ours M/s': Number(speedOf(1).toFixed(2)),
    ratio: Number(ratio.toFixed(2)),
    spread: `±${((high - low) / 2).toFixed(2)}`,
    'must reach': target,
  };
}
