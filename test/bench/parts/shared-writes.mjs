import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { defineNamespace, json, numberKey } from '../../../dist/src/index.js';
import { openCaches } from '../support/app.mjs';
import { reachable } from '../support/databases.mjs';
import { nextValueOf } from '../support/keys.mjs';
import { compare } from '../support/rounds.mjs';

const BESIDE = join(import.meta.dirname, '..', 'support', 'beside-app.mjs');
const WRITERS = [1, 16, 256];
/** Keys that are written, over and over. */
const KEYS = 50_000;
/** The share of the speed of an instance that is alone which is asked for. */
const target = (database, writers) => (database === 'MariaDB' && writers > 1 ? 0.7 : 0.85);

/** What a process pays for saying to others what it writes, whether there are any or not. */
export const sharedWrites = {
  name: 'shared-writes',
  title: "ON_CHANGE sets with instances: 'many', beside the same with instances: 'one'",
  note:
    'Each set is awaited by its writer. With many instances a commit leaves a note in the log of its process, and old notes are removed. ' +
    'Where another instance is there, in a process of its own, commits on PostgreSQL also send messages, and it hears of each: here on ' +
    'the same two cores, which the note, the message and the other instance take from the writer.',
  async run() {
    const rows = [];
    for (const database of await reachable()) rows.push(...(await measure(database)));
    return rows;
  },
};

async function measure(database) {
  const namespace = defineNamespace({ name: 'bench', key: numberKey(), value: json(), maxEntries: 100_000 });
  // Each on a database of its own: one that is alone refuses to start beside others.
  const opened = [];
  for (const [name, instances, isBeside] of [
    ['one', 'one', false],
    ['alone', 'many', false],
    ['beside another', 'many', true],
  ]) {
    const { storage, drop } = await newDatabase(database.open());
    const app = await openCaches([namespace], { storage, instances });
    const leave = isBeside ? await anotherOn(storage) : async () => undefined;
    opened.push({ name, app, leave, drop });
  }
  const rows = [];
  for (const writers of WRITERS) {
    const cases = opened.map(({ name, app }) => ({ name, run: writersOf(app.caches[0], writers) }));
    const [, ...many] = await compare(cases, { rounds: 21, sliceMs: 100 });
    for (const { name, perSecond, ratio, spread } of many)
      rows.push({
        database: database.name,
        writers,
        instance: name,
        'writes/s': Math.round(perSecond),
        ratio: Number(ratio.toFixed(2)),
        spread: `±${spread.toFixed(2)}`,
        'must reach': target(database.name, writers),
      });
  }
  for (const { app, leave, drop } of opened) {
    await leave();
    await app.close();
    await drop();
  }
  return rows;
}

/** Another instance on the same database, in a process of its own. Gives what ends it. */
async function anotherOn(storage) {
  const child = spawn(process.execPath, [BESIDE, JSON.stringify(storage)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return async () => {
    child.stdin.end();
    await once(child, 'exit');
  };
}

/** So many writers, each of which writes again as soon as its last write is acknowledged. */
function writersOf(cache, writers) {
  return async (times) => {
    let next = 0;
    const write = async () => {
      for (let n = next++; n < times; n = next++) await cache.set(n % KEYS, nextValueOf(n));
    };
    await Promise.all(Array.from({ length: writers }, write));
  };
}

/** A database that nobody else uses, on the server of `options`; a file is that already. */
async function newDatabase(options) {
  if (!('url' in options)) return { storage: options, drop: async () => undefined };
  const name = `bench_${randomBytes(6).toString('hex')}`;
  const say = async (sql) => {
    const server = await new DataSource(options).initialize();
    await server.query(sql);
    await server.destroy();
  };
  await say(`CREATE DATABASE ${name}`);
  const url = new URL(options.url);
  url.pathname = `/${name}`;
  return { storage: { ...options, url: url.href }, drop: () => say(`DROP DATABASE ${name}`) };
}
