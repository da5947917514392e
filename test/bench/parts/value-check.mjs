import { defineNamespace, json, numberKey } from '../../../dist/src/index.js';
import { openCaches } from '../support/app.mjs';
import { nextValueOf, valueOf } from '../support/keys.mjs';
import { compare, processorTime } from '../support/rounds.mjs';

const KEYS = 1000;
const LEVELS = ['on_change', 'on_shutdown'];

/** What it costs a set to look at the value, so that JSON alters none. */
export const valueCheck = {
  name: 'value-check',
  title: 'The check of json(): sets of 200 bytes beside sets with `unchecked: true`',
  note:
    'Written: what a set costs altogether, its share of the commit or of the flush included. Acknowledged: the time of the call ' +
    'alone, most of which is `JSON.stringify`; the check takes about a sixth of that.',
  async run() {
    const define = (name, persistence, value) =>
      defineNamespace({ name, key: numberKey(), value, persistence, maxEntries: KEYS });
    const definitions = LEVELS.flatMap((level) => [
      define(`${level}, unchecked`, level, json({ unchecked: true })),
      define(`${level}, checked`, level, json()),
    ]);
    const { caches, close } = await openCaches(definitions);
    const [throughUnchecked, through, backUnchecked, back] = caches;
    const values = Array.from({ length: KEYS }, (_, i) => valueOf(i));

    const committed = (cache) => async (times) => {
      for (let i = 0; i < times; i += 1) {
        await Promise.all(Array.from({ length: KEYS }, (_, key) => cache.set(key, nextValueOf(key))));
      }
    };
    const flushed = (cache) => async (times) => {
      for (let i = 0; i < times; i += 1) {
        for (let key = 0; key < KEYS; key += 1) await cache.set(key, nextValueOf(key));
        await cache.flush();
      }
    };
    const acknowledged = (cache) => async (times) => {
      for (let i = 0; i < times; i += 1) {
        for (let key = 0; key < KEYS; key += 1) await cache.set(key, values[key]);
      }
    };
    const rows = [
      ['ON_CHANGE set, written', committed, throughUnchecked, through, 0.9],
      ['ON_SHUTDOWN set, written', flushed, backUnchecked, back, 0.9],
      ['ON_SHUTDOWN set, acknowledged', acknowledged, backUnchecked, back, ''],
    ];
    const results = [];
    for (const [what, run, unchecked, checked, target] of rows) {
      const [, result] = await compare(
        [
          { name: 'unchecked', run: run(unchecked) },
          { name: what, run: run(checked) },
        ],
        // Long slices: a commit costs much more than the check, and not always the same.
        { now: processorTime, sliceMs: 150 },
      );
      results.push({
        what,
        'sets/s of processor time': Math.round(result.perSecond * KEYS),
        ratio: Number(result.ratio.toFixed(2)),
        spread: `±${result.spread.toFixed(2)}`,
        'must reach': target,
      });
    }
    await close();
    return results;
  },
};
