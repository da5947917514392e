import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const APP = join(import.meta.dirname, '..', 'support', 'allocation-app.mjs');
const KINDS = [
  ['lru-cache get', ''],
  ['getIfPresent, number keys', 0],
  ['getIfPresent, string keys', 0],
  ['lru-cache get, two numbers joined', ''],
  ['getIfPresent, tuple keys', ''],
  ['async function round lru-cache get', ''],
  ['get, number keys', 'as above'],
];

/** What a hit leaves to the collector. */
export const allocations = {
  name: 'allocations',
  title: 'Bytes that a hit allocates, once it is compiled',
  note:
    'A tuple costs the text that it is looked up by, an awaited hit the promise of an async function. Where V8 can’t ' +
    'compile the call in one piece with lru-cache’s get, the call also allocates an options object of 58 bytes.',
  chart: {
    axis: 'bytes a hit',
    bar: (row) => ({ name: row.what, value: row['bytes a hit'], isOurs: row.what.startsWith('get') }),
  },
  async run() {
    return KINDS.map(([what, target]) => ({ what, 'bytes a hit': bytesOf(what), 'must not exceed': target }));
  },
};

/** In a process of its own: what another kind taught the compiler is not to be seen here. */
function bytesOf(kind) {
  const args = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64', APP, kind];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}
