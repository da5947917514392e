// Measures pairs of caches with the same entries, lru-cache and ours, then lmdb beside ours, and prints what was measured.
import { LRUCache } from 'lru-cache';
import { defineNamespace, json, numberKey, stringKey, tupleKey } from '../../../dist/src/index.js';
import { openCaches } from './app.mjs';
import { draws, shuffling, valueOf } from './keys.mjs';
import { openLmdb } from './lmdb.mjs';
import { compare } from './rounds.mjs';

const DRAWS = 65_536;
const ROUNDS = 7;
const PEER_ROUNDS = 3;
const [distributions, counts, pairs] = process.argv.slice(2).map((text) => JSON.parse(text));

const KINDS = {
  number: { codec: numberKey(), keyOf: (i) => i, joined: (key) => key },
  string: { codec: stringKey(), keyOf: (i) => `user:${i}`, joined: (key) => key },
  tuple: {
    codec: tupleKey(numberKey(), numberKey()),
    keyOf: (i) => [-1_001_234_000_000 - i, i],
    joined: (key) => `${key[0]}:${key[1]}`,
  },
};

const measured = [];
for (const count of counts) {
  for (const kind of Object.keys(KINDS)) {
    for (let i = 0; i < pairs; i += 1) {
      const results = await measurePair(KINDS[kind], count);
      for (const [at, [[lru, ours], [, lmdb]]] of results.entries())
        measured.push({ keys: `${count} ${kind}, ${distributions[at]}`, kind, lru, ours, lmdb });
    }
  }
}
process.stdout.write(JSON.stringify(measured));

/** The limit and ours with the same entries, and ours and lmdb with them, by distribution. */
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
  const lmdb = openLmdb();
  for (let i = 0; i < count; i += 1) {
    await cache.set(keyOf(i), valueOf(i));
    lru.set(joined(keyOf(i)), valueOf(i));
    void lmdb.put(keyOf(i), valueOf(i));
  }
  await cache.flush();
  await lmdb.flushed;
  const byDistribution = [];
  for (const distribution of distributions) {
    // Each call has a key of its own object or string, as in a request; nothing is looked up by identity.
    const keys = Array.from(draws(count, DRAWS, distribution), keyOf);
    // The first read of a value decodes it.
    for (const key of keys) cache.getIfPresent(key);
    const nextKey = shuffling(keys);
    const limit = {
      name: 'lru-cache',
      run(times) {
        let found = 0;
        for (let i = 0; i < times; i += 1) if (lru.get(joined(nextKey())) !== undefined) found += 1;
        if (found !== times) throw new Error('missed');
      },
    };
    const ours = {
      name: 'getIfPresent',
      run(times) {
        let found = 0;
        for (let i = 0; i < times; i += 1) if (cache.getIfPresent(nextKey()) !== undefined) found += 1;
        if (found !== times) throw new Error('missed');
      },
    };
    const peer = {
      name: 'lmdb get',
      run(times) {
        let found = 0;
        for (let i = 0; i < times; i += 1) if (lmdb.get(nextKey()) !== undefined) found += 1;
        if (found !== times) throw new Error('missed');
      },
    };
    // Apart: what lmdb decodes is garbage, which would be collected in the others' turns.
    byDistribution.push([
      await compare([limit, ours], { rounds: ROUNDS }),
      await compare([ours, peer], { rounds: PEER_ROUNDS }),
    ]);
  }
  await close();
  await lmdb.close();
  return byDistribution;
}
