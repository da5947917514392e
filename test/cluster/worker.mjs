// One of several processes on one database. Writers append unique ids to lists and count; readers read the lists. A file has what
// was begun, acknowledged and read, with times of the monotonic clock that all processes of the host share. Each line is written
// before the next operation begins, so that a kill loses what was under way at most.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { CacheService, defineNamespace } from '../../dist/src/index.js';
import { durable, now, openCache } from './cache-app.mjs';

const { notes, worker, life, pauseMs, ...target } = JSON.parse(process.argv[2]);
const { maxStaleMs } = target;
const WRITERS = 4;
const READERS = 2;
const LANES = 3;
const COUNTERS = 2;
/** A list this long is left, and its lane goes on with the next one. */
const FULL = 200;

// Fewer than there will be: lists are evicted, and read again.
const lists = defineNamespace({ ...durable, name: 'lists', maxEntries: 4 });
const counters = defineNamespace({ ...durable, name: 'counters' });

const app = await openCache({
  ...target,
  namespaces: [lists, counters],
  // What could not be confirmed is not shown, so that the bound knows no exception.
  staleWhileDownMs: 0,
}).catch((error) => {
  console.log(`no start: ${error.code} ${error.message.split('\n')[0]}`);
  process.exit(1);
});
const list = app.get(CacheService).namespace(lists);
const counter = app.get(CacheService).namespace(counters);

const file = openSync(notes, 'a');
const note = (line) => writeSync(file, `${JSON.stringify(line)}\n`);
const digest = (ids) => createHash('md5').update(ids.join(' ')).digest('base64');
const lanes = Array.from({ length: LANES }, () => 0);
const keyOf = (lane) => `${lane}-${lanes[lane]}`;
/** What goes on. */
const goesOn = { writes: true, reads: true };
let ids = 0;

async function append(lane, id) {
  const key = keyOf(lane);
  let runs = 0;
  const from = now();
  note({ kind: 'begun', key, id, from });
  const after = await list.update(key, (before = []) => {
    runs += 1;
    return [...before, id];
  });
  note({ kind: 'appended', key, id, from, to: now(), runs, length: after.length, digest: digest(after) });
  if (after.length >= FULL && keyOf(lane) === key) lanes[lane] += 1;
}

async function count(key, id) {
  note({ kind: 'begun', key, id, from: now() });
  const value = await counter.increment(key);
  note({ kind: 'counted', key, id, value });
}

async function write(writer) {
  for (let n = writer; goesOn.writes; n += 1) {
    const id = `${worker}.${life}.${(ids += 1)}`;
    const work = n % 4 === 0 ? count(`counter-${n % COUNTERS}`, id) : append(n % LANES, id);
    await work.catch((error) => note({ kind: 'rejected', id, code: error.code ?? error.message }));
    if (pauseMs > 0) await delay(pauseMs);
  }
}

const READS = {
  get: (key) => list.get(key),
  fresh: (key) => list.get(key, { fresh: true }),
  // What is in memory, and `null` where nothing is.
  memory: async (key) => list.getIfPresent(key) ?? null,
};
const TURNS = ['get', 'memory', 'get', 'memory', 'fresh'];

async function read(reader) {
  for (let n = reader; goesOn.reads; n += 1) {
    const how = TURNS[n % TURNS.length];
    const key = keyOf(n % LANES);
    const from = now();
    try {
      const value = await READS[how](key);
      const to = now();
      const found = value ?? [];
      if (value !== null)
        note({ kind: 'read', how, key, from, to, length: found.length, digest: digest(found) });
    } catch (error) {
      note({ kind: 'rejected', id: how, code: error.code ?? error.message });
    }
    await delay(2);
  }
}

/** Who begins while the database is away waits for it. */
async function lengthOf(lane) {
  for (;;) {
    try {
      return ((await list.get(keyOf(lane))) ?? []).length;
    } catch (error) {
      if (error.code !== 'READ_FAILED') throw error;
      await delay(20);
    }
  }
}

// Where others have filled lists before.
for (let lane = 0; lane < LANES; lane += 1) while ((await lengthOf(lane)) >= FULL) lanes[lane] += 1;

const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
const reading = Promise.all(Array.from({ length: READERS }, (_, reader) => read(reader)));
console.log('at work');

await once(process.stdin, 'data');
goesOn.writes = false;
await writing;
// Long enough for each reader to owe all that was acknowledged.
await delay(maxStaleMs + 300);
goesOn.reads = false;
await reading;
await app.close();
process.exit(0);
