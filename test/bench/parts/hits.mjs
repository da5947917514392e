import { LRUCache } from 'lru-cache';
import { defineNamespace, json, numberKey, stringKey, tupleKey } from '../../../dist/src/index.js';
import { openCaches } from '../support/app.mjs';
import { draws, valueOf } from '../support/keys.mjs';
import { compare } from '../support/rounds.mjs';

const DRAWS = 65_536;

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
      for (const distribution of ['zipf', 'uniform']) {
        for (const kind of ['number', 'string', 'tuple']) rows.push(await measure(kind, count, distribution));
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

async function measure(kind, count, distribution) {
  const { codec, keyOf, joined, target } = KINDS[kind];
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
  // Each call has a key of its own object or string, as in a request; nothing is looked up by identity.
  const keys = Array.from(draws(count, DRAWS, distribution), keyOf);
  const [limit, ours] = await compare([
    {
      name: 'lru-cache',
      run(times) {
        let found = 0;
        for (let i = 0; i < times; i += 1)
          if (lru.get(joined(keys[i & (DRAWS - 1)])) !== undefined) found += 1;
        if (found !== times) throw new Error('missed');
      },
    },
    {
      name: 'getIfPresent',
      run(times) {
        let found = 0;
        for (let i = 0; i < times; i += 1)
          if (cache.getIfPresent(keys[i & (DRAWS - 1)]) !== undefined) found += 1;
        if (found !== times) throw new Error('missed');
      },
    },
  ]);
  await close();
  return {
    keys: `${count} ${kind}, ${distribution}`,
    'lru-cache M/s': Number((limit.perSecond / 1e6).toFixed(2)),
    'ours M/s': Number((ours.perSecond / 1e6).toFixed(2)),
    ratio: Number(ours.ratio.toFixed(2)),
    spread: `±${ours.spread.toFixed(2)}`,
    'must reach': target,
  };
}
