// What all who race have in common: they wait for each other, and measure when they have got going.
import { once } from 'node:events';
import { now } from './cache-app.mjs';

/** What is measured is the race: in the first second the code is not compiled yet, and connections are opened. */
const WARM_UP_MS = 1000;

/** Waits until all are at the line. Gives from when on to measure, and until when to go on, ms. */
export async function start(seconds) {
  console.log('at the line');
  await once(process.stdin, 'data');
  const measuredFrom = now() + WARM_UP_MS;
  return { measuredFrom, until: measuredFrom + seconds * 1000 };
}

/** Says what came of it, and ends the process. */
export function finish(result) {
  // A pipe takes a text of this length in parts, and an exit would cut it off.
  process.stdout.write(`result ${JSON.stringify(result)}\n`, () => process.exit(0));
}
