import sqlite3 from 'sqlite3';
import { COLUMNS, ON_CONFLICT, chunks, parametersOf, questionMarks } from './rows.mjs';

/** SQLite through `sqlite3`, by hand: sorted multi-row VALUES in one transaction. */
export async function openRaw({ database }) {
  const db = await new Promise((resolve, reject) => {
    const opened = new sqlite3.Database(database, (error) => (error ? reject(error) : resolve(opened)));
  });
  const run = (sql, parameters = []) =>
    new Promise((resolve, reject) => {
      db.run(sql, parameters, (error) => (error ? reject(error) : resolve()));
    });
  const all = (sql, parameters = []) =>
    new Promise((resolve, reject) => {
      db.all(sql, parameters, (error, rows) => (error ? reject(error) : resolve(rows)));
    });
  for (const pragma of ['journal_mode = WAL', 'synchronous = FULL', 'busy_timeout = 5000'])
    await all(`PRAGMA ${pragma}`);
  const insert = (rows) =>
    run(
      `INSERT INTO cache_storage (${COLUMNS}) VALUES ${questionMarks(rows)} ${ON_CONFLICT}`,
      parametersOf(rows),
    );
  return {
    form: 'multi-row VALUES of 1 000, one transaction',
    async write(rows) {
      await run('BEGIN IMMEDIATE');
      for (const chunk of chunks(rows, 1000)) await insert(chunk);
      await run('COMMIT');
    },
    writeOne: (row) => insert([row]),
    // One statement is a transaction of its own.
    writeMany: insert,
    load: (namespace) => all('SELECT key, value FROM cache_storage WHERE namespace = ?', [namespace]),
    read: (namespace, keys) =>
      all(
        `SELECT key, value FROM cache_storage WHERE namespace = ? AND key IN (${keys.map(() => '?').join(',')})`,
        [namespace, ...keys],
      ),
    close: () => new Promise((resolve) => db.close(resolve)),
  };
}
