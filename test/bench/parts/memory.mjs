import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const COUNT = 250_000;
const APP = join(import.meta.dirname, '..', 'support', 'memory-app.mjs');
const KINDS = [
  ['Map', 'Map', ''],
  ['lru', 'lru-cache', ''],
  ['clean', 'ours, clean', 65],
  ['dirty', 'ours, dirty', 90],
];

/** Bytes of heap for each entry beside its key and value: the heap of a process with a container, less that of one without. */
export const memory = {
  name: 'memory',
  title: `Bytes of heap for each of ${COUNT} entries beside key and value`,
  note: 'dirty: the encoded value is held as well.',
  chart: {
    axis: 'bytes an entry',
    bar: (row) => ({
      name: row.what,
      value: row['bytes an entry'],
      target: row['must not exceed'],
      isOurs: row.what.startsWith('ours'),
    }),
  },
  async run() {
    const nothing = heapOf('nothing');
    return KINDS.map(([kind, what, target]) => ({
      what,
      'bytes an entry': Number(((heapOf(kind) - nothing) / COUNT).toFixed(1)),
      'must not exceed': target,
    }));
  },
};

function heapOf(kind) {
  return Number(
    execFileSync(process.execPath, ['--expose-gc', APP, kind, String(COUNT)], { encoding: 'utf8' }),
  );
}
