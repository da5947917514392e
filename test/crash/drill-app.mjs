// An application that is told what to do on its standard input, a line of JSON each, and prints what came of it. Told to work, it
// writes without pause, and notes each write in a file when it begins and when it was acknowledged.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import {
  CacheModule,
  CachePersistenceLevel,
  CacheService,
  defineNamespace,
  json,
  stringKey,
} from '../../dist/src/index.js';

const { name, storage, instances, notes } = JSON.parse(process.argv[2]);
const WRITERS = 8;
const KEYS_PER_WRITER = 3;

const definitionOf = (of, persistence) =>
  defineNamespace({ name: of, key: stringKey(), value: json(), persistence });
const ledger = definitionOf('ledger', CachePersistenceLevel.ON_CHANGE);
const drafts = definitionOf('drafts', CachePersistenceLevel.ON_SHUTDOWN);

class DrillModule {}
const app = await NestFactory.createApplicationContext({
  module: DrillModule,
  imports: [
    CacheModule.forRoot({
      storage,
      instances,
      namespaces: [ledger, drafts],
      chatNamespaces: false,
      checkpointIntervalMs: false,
      shutdownTimeoutMs: 1000,
    }),
  ],
});
app.enableShutdownHooks();
const cache = app.get(CacheService);
const namespaces = { ledger: cache.namespace(ledger), drafts: cache.namespace(drafts) };
const file = openSync(notes, 'a');
const note = (line) => writeSync(file, `${JSON.stringify(line)}\n`);

/** Each writer has keys of its own, and a token that is at one of two places: a half of a rename would double or lose it. */
async function write(writer) {
  const [left, right] = ['left', 'right'].map((side) => `token:${name}:${writer}:${side}`);
  await namespaces.ledger.set(left, { writer });
  for (let version = 1; ; version += 1) {
    const key = `${name}:${writer}:${version % KEYS_PER_WRITER}`;
    note({ begun: key, version });
    await namespaces.ledger.set(key, { version });
    note({ acknowledged: key, version });
    if (version % 4 === 0)
      await namespaces.ledger.rename(...(version % 8 === 0 ? [right, left] : [left, right]));
    process.stdout.write('#');
  }
}

const TASKS = {
  work() {
    for (let writer = 1; writer <= WRITERS; writer += 1)
      // The database is lost under it, or the application stops.
      write(writer).catch((error) => {
        if (error.code !== 'WRITE_FAILED' && error.code !== 'CACHE_CLOSED') throw error;
      });
  },
  set: ({ of, key, value }) => namespaces[of].set(key, value),
  get: async ({ of, key, fresh = false }) => (await namespaces[of].get(key, { fresh })) ?? null,
  count: ({ of, key }) => namespaces[of].update(key, (n) => (n ?? 0) + 1),
  flush: () => cache.persistAll(),
  entries: async ({ of }) => {
    const entries = [];
    for await (const entry of namespaces[of]) entries.push(entry);
    return entries;
  },
  health: () => cache.health(),
};

async function answer(line) {
  const { id, task, ...options } = JSON.parse(line);
  let reply;
  try {
    reply = { result: (await TASKS[task](options)) ?? null };
  } catch (error) {
    reply = { error: error.code ?? String(error) };
  }
  console.log(`\nreply ${id} ${JSON.stringify(reply)} .`);
}

createInterface({ input: process.stdin }).on('line', (line) => void answer(line));
console.log('serving');
