import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { defineNamespace, json, numberKey } from '../../../dist/src/index.js';
import { openCaches } from '../support/app.mjs';
import { reachable } from '../support/databases.mjs';
import { nextValueOf } from '../support/keys.mjs';
import { compare } from '../support/rounds.mjs';

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
    'Each set is awaited by its writer. With many instances a commit leaves a note in the log of its process, sends a message where ' +
    'there is a backplane, and old notes are removed.',
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
  for (const instances of ['one', 'many']) {
    const { storage, drop } = await newDatabase(database.open());
    const app = await openCaches([namespace], { storage, instances });
    opened.push({ instances, app, drop });
  }
  const rows = [];
  for (const writers of WRITERS) {
    const cases = opened.map(({ instances, app }) => ({
      name: instances,
      run: writersOf(app.caches[0], writers),
    }));
    const [, many] = await compare(cases, { rounds: 21, sliceMs: 100 });
    rows.push({
      database: database.name,
      writers,
      'writes/s': Math.round(many.perSecond),
      ratio: Number(many.ratio.toFixed(2)),
      spread: `±${many.spread.toFixed(2)}`,
      'must reach': target(database.name, writers),
    });
  }
  for (const { app, drop } of opened) {
    await app.close();
    await drop();
  }
  return rows;
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
