import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { quartiles } from '../support/rounds.mjs';

const APP = join(import.meta.dirname, '..', 'support', 'hits-app.mjs');
const DISTRIBUTIONS = ['zipf', 'uniform'];
const COUNTS = [1000, 100_000];
const TARGETS = { number: 0.7, string: 0.7, tuple: 0.8 };
/**
 * Where two caches lie in memory, and what the compiler made of the two loops in this process, can be worth more than what is
 * measured: of two equal LRUs with 100 000 numbers one was twice as fast as the other, and the ratio for 1000 numbers was
 * anything from 0.7 to 0.9 by process. So there are several pairs in several processes, and their median counts.
 */
const PROCESSES = 3;
const PAIRS = 2;

export const hits = {
  name: 'hits',
  title: 'Synchronous hits: getIfPresent against raw lru-cache',
  note:
    'A tuple is compared with the look-up of the joined string, joining included. lmdb: its synchronous get, which ' +
    'decodes the value (JSON) out of its memory map at each call; measured beside ours after the pair, with the same ' +
    'keys.',
  chart: {
    axis: 'of lru-cache',
    bar: (row) => ({ name: row.keys, value: row.ratio, target: row['must reach'] }),
  },
  async run() {
    const args = [
      '--expose-gc',
      APP,
      ...[DISTRIBUTIONS, COUNTS, PAIRS].map((value) => JSON.stringify(value)),
    ];
    const measured = Array.from({ length: PROCESSES }, () =>
      JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })),
    ).flat();
    return [...new Set(measured.map(({ keys }) => keys))].map((keys) =>
      summary(measured.filter((one) => one.keys === keys)),
    );
  },
};

/** Medians over the pairs. */
function summary(pairs) {
  const [{ keys, kind }] = pairs;
  const speedOf = (which) => quartiles(pairs.map((pair) => pair[which].perSecond))[1] / 1e6;
  const [low, ratio, high] = quartiles(pairs.map(({ ours }) => ours.ratio));
  return {
    keys,
    'lru-cache M/s': Number(speedOf('lru').toFixed(2)),
    'ours M/s': Number(speedOf('ours').toFixed(2)),
    ratio: Number(ratio.toFixed(2)),
    spread: `±${((high - low) / 2).toFixed(2)}`,
    'must reach': TARGETS[kind],
    'lmdb M/s': Number(speedOf('lmdb').toFixed(2)),
    'ours / lmdb': Number((1 / quartiles(pairs.map(({ lmdb }) => lmdb.ratio))[1]).toFixed(1)),
  };
}
