// What one of several processes that count in one row takes with no cache round it: a transaction that holds the row, again and again.
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { now } from './cache-app.mjs';
import { finish, start } from './starting-line.mjs';

const { seconds, storage } = JSON.parse(process.argv[2]);
const isFile = !('url' in storage);
const database = await new DataSource({ ...storage, ...(isFile ? {} : { poolSize: 1 }) }).initialize();
const runner = database.createQueryRunner();
if (isFile) await runner.query('PRAGMA busy_timeout = 0');

const { measuredFrom, until } = await start(seconds);
const waits = [];
let acknowledged = 0;
while (now() < until) {
  const from = now();
  await begin();
  const [{ n }] = await runner.query(`SELECT n FROM bare_counter WHERE id = 1${isFile ? '' : ' FOR UPDATE'}`);
  await runner.query(`UPDATE bare_counter SET n = ${n + 1} WHERE id = 1`);
  await runner.query('COMMIT');
  acknowledged += 1;
  if (from >= measuredFrom) waits.push(now() - from);
}
await database.destroy();
finish({ acknowledged, waits, mostRuns: 1 });

/** A file has no queue for those who wait: each tries again after 1 to 3 ms. */
async function begin() {
  for (;;) {
    try {
      await runner.query(isFile ? 'BEGIN IMMEDIATE' : 'START TRANSACTION');
      return;
    } catch (error) {
      if (!isFile || !/BUSY|locked/.test(String(error))) throw error;
      await sleep(1 + Math.random() * 2);
    }
  }
}
