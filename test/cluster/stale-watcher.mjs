// Looks without pause at one entry that another process writes, and says when its memory has shown the value before for the last time,
// and when it has heard the bare messages.
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { bareHop } from './bare-hop.mjs';
import { now, openNamespace } from './cache-app.mjs';

const target = JSON.parse(process.argv[2]);
const { cache } = await openNamespace('entries', target);
const heard = [];
await (await bareHop(target))?.listen((n) => heard.push([n, now()]));

const goesOn = { now: true };
const over = once(process.stdin, 'data').then(() => (goesOn.now = false));
const forgotten = [];
let last = 0;
await cache.set('entry', last);
console.log('watching');
while (goesOn.now) {
  if (cache.getIfPresent('entry') !== last) {
    // A miss of what there was, or what is new already.
    forgotten.push([last + 1, now()]);
    last = await cache.get('entry');
  }
  await turn();
}
await over;
console.log(`result ${JSON.stringify({ forgotten, heard })}`);
process.exit(0);
