// One of several processes that count in one row, without pause: each of its callers updates again as soon as it is acknowledged.
import { now, openNamespace } from './cache-app.mjs';
import { finish, start } from './starting-line.mjs';

const { seconds, callers, ...target } = JSON.parse(process.argv[2]);
const { app, cache: counter } = await openNamespace('counters', target);

const { measuredFrom, until } = await start(seconds);
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
finish({ acknowledged, waits, mostRuns });
