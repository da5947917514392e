// Prints how many bytes a hit of one kind allocates, once it is compiled. Needs --expose-gc and a young generation with room.
import { LRUCache } from 'lru-cache';
import { defineNamespace, numberKey, json, stringKey, tupleKey } from '../../../dist/src/index.js';
import { openCaches } from './app.mjs';
import { valueOf } from './keys.mjs';

const COUNT = 1000;
const WARM_UP = 2_000_000;
const HITS = 50_000;

const number = { keyOf: (i) => i, codec: numberKey() };
const string = { keyOf: (i) => `user:${i}`, codec: stringKey() };
const tuple = { keyOf: (i) => [-1_001_234_000_000 - i, i], codec: tupleKey(numberKey(), numberKey()) };

const kinds = {
  'lru-cache get': () => {
    const lru = filled((i) => i);
    return [number, (key) => lru.get(key)];
  },
  'lru-cache get, two numbers joined': () => {
    const lru = filled((i) => tuple.keyOf(i).join(':'));
    return [tuple, (key) => lru.get(`${key[0]}:${key[1]}`)];
  },
  'async function round lru-cache get': () => {
    const lru = filled((i) => i);
    return [number, async (key) => lru.get(key), true];
  },
  'getIfPresent, number keys': async () => sync(number),
  'getIfPresent, string keys': async () => sync(string),
  'getIfPresent, tuple keys': async () => sync(tuple),
  'get, number keys': async () => {
    const cache = await cacheOf(number);
    return [number, (key) => cache.get(key), true];
  },
};

const [{ keyOf }, hit, isAwaited = false] = await kinds[process.argv[2]]();
const keys = Array.from({ length: COUNT }, (_, i) => keyOf(i));
await (isAwaited ? runAwaited(WARM_UP) : run(WARM_UP));
// The least of several: the compiler and the measurement itself allocate too, now and then.
const samples = [];
for (let i = 0; i < 7; i += 1) {
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  await (isAwaited ? runAwaited(HITS) : run(HITS));
  samples.push((process.memoryUsage().heapUsed - before) / HITS);
}
process.stdout.write(String(Math.max(0, Math.round(Math.min(...samples)))));
process.exit();

function run(times) {
  for (let i = 0; i < times; i += 1) if (hit(keys[i % COUNT]) === undefined) throw new Error('missed');
}

async function runAwaited(times) {
  for (let i = 0; i < times; i += 1)
    if ((await hit(keys[i % COUNT])) === undefined) throw new Error('missed');
}

function filled(lruKeyOf) {
  const lru = new LRUCache({ max: COUNT });
  for (let i = 0; i < COUNT; i += 1) lru.set(lruKeyOf(i), valueOf(i));
  return lru;
}

async function sync(kind) {
  const cache = await cacheOf(kind);
  return [kind, (key) => cache.getIfPresent(key)];
}

async function cacheOf(kind) {
  const bench = defineNamespace({
    name: 'bench',
    key: kind.codec,
    value: json(),
    persistence: 'on_shutdown',
    maxEntries: COUNT,
  });
  const { caches } = await openCaches([bench]);
  for (let i = 0; i < COUNT; i += 1) await caches[0].set(kind.keyOf(i), valueOf(i));
  return caches[0];
}
