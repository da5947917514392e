// One of several processes that count in one row, without pause: each of its callers updates again as soon as it is acknowledged.
import { once } from 'node:events';
import { now, openNamespace } from './cache-app.mjs';

/** What is measured is the race: in the first second the code is not compiled yet, and connections are opened. */
const WARM_UP_MS = 1000;

const { seconds, callers, ...target } = JSON.parse(process.argv[2]);
const { app, cache: counter } = await openNamespace('counters', target);

console.log('at the line');
await once(process.stdin, 'data');
const measuredFrom = now() + WARM_UP_MS;
const until = measuredFrom + seconds * 1000;
const waits = [];
let acknowledged = 0;
let mostRuns = 0;

async function call() {
  while (now() < until) {
    let runs = 0;
    const from = now();
    await counter.update('counter', (count = 0) => {
      runs += 1;
      return count + 1;
    });
    acknowledged += 1;
    if (from >= measuredFrom) waits.push(Math.round((now() - from) * 100) / 100);
    mostRuns = Math.max(mostRuns, runs);
  }
}
await Promise.all(Array.from({ length: callers }, call));
await app.close();
// A pipe takes a text of this length in parts, and an exit would cut it off.
process.stdout.write(`result ${JSON.stringify({ acknowledged, waits, mostRuns })}\n`, () => process.exit(0));
