import { LRUCache } from 'lru-cache';
import { defineNamespace, json, stringKey } from '../../../dist/src/index.js';
import { openCaches } from '../support/app.mjs';
import { draws, valueOf } from '../support/keys.mjs';
import { compare } from '../support/rounds.mjs';

const COUNT = 1000;
const DRAWS = 65_536;

/** Writes that are acknowledged in memory. */
export const sets = {
  name: 'sets',
  title: 'Sets acknowledged in memory, awaited',
  chart: {
    axis: 'million sets/s',
    bar: (row) => ({ name: row.what, value: row['M/s'], isOurs: !row.what.startsWith('lru') }),
  },
  async run() {
    const define = (name, persistence) =>
      defineNamespace({ name, key: stringKey(), value: json(), persistence, maxEntries: COUNT });
    const { caches, close } = await openCaches([define('memory', 'memory'), define('back', 'on_shutdown')]);
    const [memory, back] = caches;
    const lru = new LRUCache({ max: COUNT });
    const keys = Array.from(draws(COUNT, DRAWS, 'zipf'), (i) => `user:${i}`);
    const values = Array.from({ length: COUNT }, (_, i) => valueOf(i));
    const run = (set) => async (times) => {
      for (let i = 0; i < times; i += 1) await set(keys[i & (DRAWS - 1)], values[i % COUNT]);
    };
    const memoryResults = await compare([
      { name: 'lru-cache set', run: run((key, value) => lru.set(key, value)) },
      { name: 'MEMORY_ONLY set', run: run((key, value) => memory.set(key, value)) },
    ]);
    const backResults = await compare([
      {
        name: 'lru-cache set + JSON.stringify',
        run: run((key, value) => {
          JSON.stringify(value);
          lru.set(key, value);
        }),
      },
      { name: 'ON_SHUTDOWN set', run: run((key, value) => back.set(key, value)) },
    ]);
    await close();
    const targets = { 'MEMORY_ONLY set': 0.6, 'ON_SHUTDOWN set': 0.75 };
    return [...memoryResults, ...backResults].map(({ name, perSecond, ratio, spread }) => ({
      what: name,
      'M/s': Number((perSecond / 1e6).toFixed(3)),
      ratio: Number(ratio.toFixed(2)),
      spread: `±${spread.toFixed(2)}`,
      'must reach': targets[name] ?? '',
    }));
  },
};
