// Holds values and their texts, and beside them one kind of container; prints the heap that all of it takes.
import { LRUCache } from 'lru-cache';
import { defineNamespace, numberKey } from '../../../dist/src/index.js';
import { openCaches } from './app.mjs';
import { valueOf } from './keys.mjs';

/** So many entries of a namespace stay dirty until a checkpoint: what a flush has in hand is not to be measured. Maps are as full as with all. */
const UNFLUSHED = 7_813;

const [kind, given] = process.argv.slice(2);
const count = Number(given);
const texts = Array.from({ length: count }, (_, i) => JSON.stringify([i, valueOf(i)]));
// Parsed: their strings are flat, and no collection finds anything to shorten.
const values = texts.map((text) => JSON.parse(text)[1]);
// Gives out what is there: what is left is the cache's own.
const codec = {
  encode: (value) => texts[value.id],
  decode: (text) => values[Number.parseInt(text.slice(1), 10)],
  plain: true,
};
const containers = {
  nothing: () => undefined,
  Map: () => new Map(values.map((value, i) => [i, value])),
  lru() {
    const cache = new LRUCache({ max: count });
    for (let i = 0; i < count; i += 1) cache.set(i, values[i]);
    return cache;
  },
  async dirty(caches) {
    for (let i = 0; i < count; i += 1) {
      const cache = caches[Math.floor(i / UNFLUSHED)];
      await cache.set(i, values[i]);
      if (cache.getIfPresent(i) !== values[i]) throw new Error('Not the value.');
    }
  },
  async clean(caches) {
    await containers.dirty(caches);
    for (const cache of caches) await cache.flush();
  },
};

const isOurs = kind === 'dirty' || kind === 'clean';
const namespaces = Array.from({ length: isOurs ? Math.ceil(count / UNFLUSHED) : 1 }, (_, i) =>
  defineNamespace({
    name: `bench ${i}`,
    key: numberKey(),
    value: codec,
    persistence: 'on_shutdown',
    maxEntries: isOurs ? UNFLUSHED : 1,
  }),
);
const { app, caches } = await openCaches(namespaces, { maxDirtyBytes: 2 ** 30 });
const container = await containers[kind](caches);
for (let i = 0; i < 5; i += 1) globalThis.gc();
const { heapUsed, arrayBuffers } = process.memoryUsage();
process.stdout.write(String(heapUsed + arrayBuffers));
// Used to the end, or the collector takes them in the middle of the measurement.
process.exitCode = [app, container, values, texts].length === 4 ? 0 : 1;
process.exit();
