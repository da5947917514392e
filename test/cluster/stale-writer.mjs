// Writes one entry again and again, by turns with a bare message, and says when each was acknowledged or sent.
import { setTimeout as delay } from 'node:timers/promises';
import { bareHop } from './bare-hop.mjs';
import { now, openNamespace } from './cache-app.mjs';

const { rounds, pauseMs, ...target } = JSON.parse(process.argv[2]);
const { app, cache } = await openNamespace('entries', target);
const hop = await bareHop(target);
const acknowledged = [];
const sent = [];
for (let n = 1; n <= rounds; n += 1) {
  await cache.set('entry', n);
  acknowledged.push([n, now()]);
  await delay(pauseMs * (0.5 + Math.random()));
  if (hop === undefined) continue;
  sent.push([n, now()]);
  await hop.send(n);
  await delay(pauseMs * (0.5 + Math.random()));
}
console.log(`result ${JSON.stringify({ acknowledged, sent })}`);
await app.close();
process.exit(0);
