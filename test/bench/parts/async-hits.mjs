import { createCache } from 'cache-manager';
import { Cacheable } from 'cacheable';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { Keyv } from 'keyv';
import { LRUCache } from 'lru-cache';
import { defineNamespace, json, stringKey } from '../../../dist/src/index.js';
import { openCaches } from '../support/app.mjs';
import { draws, valueOf } from '../support/keys.mjs';
import { compare } from '../support/rounds.mjs';

const COUNT = 1000;
const DRAWS = 65_536;
/** Of the limit, and of others as a multiple. */
const TARGETS = {
  'ours: get': 0.8,
  'ours: getOrLoad': 0.75,
  'cache-manager: get': '3.5 ×',
  'Keyv: get': '25 ×',
  'bentocache: get': '30 ×',
  'cacheable: get': '30 ×',
};

/** What a caller gets who awaits a hit: the floor is awaiting an async function round a memory look-up. */
export const asyncHits = {
  name: 'async-hits',
  title:
    'Awaited hits: get and getOrLoad against an async function round lru-cache, and against other caches',
  chart: {
    axis: 'million hits/s',
    bar: (row) => ({ name: row.what, value: row['M/s'], isOurs: row.what.startsWith('ours') }),
  },
  note:
    'The limit itself is about four times as fast as cache-manager: awaiting takes most of the time in both. Awaiting' +
    ' the plain value, with no function and no promise, is 1.06 of the limit.',
  async run() {
    const namespace = defineNamespace({
      name: 'bench',
      key: stringKey(),
      value: json(),
      persistence: 'on_shutdown',
      maxEntries: COUNT,
    });
    const { caches, close } = await openCaches([namespace]);
    const [cache] = caches;
    const lru = new LRUCache({ max: COUNT });
    const manager = createCache();
    const keyv = new Keyv();
    const bento = new BentoCache({
      default: 'memory',
      stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: COUNT })) },
    });
    const cacheable = new Cacheable();
    for (let i = 0; i < COUNT; i += 1) {
      const key = `user:${i}`;
      const value = valueOf(i);
      lru.set(key, value);
      await cache.set(key, value);
      await manager.set(key, value);
      await keyv.set(key, value);
      await bento.set({ key, value });
      await cacheable.set(key, value);
    }
    const keys = Array.from(draws(COUNT, DRAWS, 'zipf'), (i) => `user:${i}`);
    const load = () => {
      throw new Error('missed');
    };
    const lruGet = async (key) => lru.get(key);
    const cases = [
      ['async function round lru-cache', lruGet],
      ['ours: get', (key) => cache.get(key)],
      ['ours: getOrLoad', (key) => cache.getOrLoad(key, load)],
      ['cache-manager: get', (key) => manager.get(key)],
      ['cache-manager: wrap', (key) => manager.wrap(key, load)],
      ['Keyv: get', (key) => keyv.get(key)],
      ['bentocache: get', (key) => bento.get({ key })],
      ['bentocache: getOrSet', (key) => bento.getOrSet({ key, factory: load })],
      ['cacheable: get', (key) => cacheable.get(key)],
    ];
    const results = await compare(
      cases.map(([name, get]) => ({
        name,
        async run(times) {
          for (let i = 0; i < times; i += 1)
            if ((await get(keys[i & (DRAWS - 1)])) === undefined) throw new Error('missed');
        },
      })),
    );
    await close();
    await bento.disconnectAll();
    return results.map(({ name, perSecond, ratio, spread }) => ({
      what: name,
      'M/s': Number((perSecond / 1e6).toFixed(3)),
      'of the limit': Number(ratio.toFixed(3)),
      spread: `±${spread.toFixed(3)}`,
      'ours: get is faster, ×': Number((results[1].ratio / ratio).toFixed(1)),
      'must reach': TARGETS[name] ?? '',
    }));
  },
};
