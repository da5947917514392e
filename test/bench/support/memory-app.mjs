// Holds values and their texts, and beside them one kind of container; prints the heap that all of it takes.
import { LRUCache } from 'lru-cache';
import { defineNamespace, numberKey } from '../../../dist/src/index.js';
import { openCaches } from './app.mjs';
import { valueOf } from './keys.mjs';

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
  async dirty(cache) {
    for (let i = 0; i < count; i += 1) {
      await cache.set(i, values[i]);
      if (cache.getIfPresent(i) !== values[i]) throw new Error('Not the value.');
    }
  },
  async clean(cache) {
    await containers.dirty(cache);
    await cache.flush();
  },
};

const isOurs = kind === 'dirty' || kind === 'clean';
const bench = defineNamespace({
  name: 'bench',
  key: numberKey(),
  value: codec,
  persistence: 'on_shutdown',
  maxEntries: isOurs ? count : 1,
});
const { app, caches } = await openCaches([bench]);
const container = await containers[kind](caches[0]);
// Without a turn of the event loop: what is dirty would begin to be written.
for (let i = 0; i < 5; i += 1) globalThis.gc();
const { heapUsed, arrayBuffers } = process.memoryUsage();
process.stdout.write(String(heapUsed + arrayBuffers));
// Used to the end, or the collector takes them in the middle of the measurement.
process.exitCode = [app, container, values, texts].length === 4 ? 0 : 1;
process.exit();
