import Database from 'better-sqlite3';
import { COLUMNS, ON_CONFLICT } from './rows.mjs';

/** SQLite through `better-sqlite3`, by hand: a prepared statement per row in one transaction, holding the event loop. */
export async function openRaw({ database }) {
  const db = new Database(database);
  for (const pragma of ['journal_mode = WAL', 'synchronous = FULL', 'busy_timeout = 5000']) db.pragma(pragma);
  const insert = db.prepare(
    `INSERT INTO cache_storage (${COLUMNS}) VALUES (?, ?, ?, NULL, ?) ${ON_CONFLICT}`,
  );
  const select = db.prepare('SELECT key, value FROM cache_storage WHERE namespace = ?');
  const one = db.prepare('SELECT key, value FROM cache_storage WHERE namespace = ? AND key = ?');
  const writeAll = db.transaction((rows) => {
    for (const { namespace, key, value, updatedAt } of rows) insert.run(namespace, key, value, updatedAt);
  });
  return {
    form: 'prepared, row by row, one transaction',
    async write(rows) {
      writeAll(rows);
    },
    async writeOne({ namespace, key, value, updatedAt }) {
      insert.run(namespace, key, value, updatedAt);
    },
    async writeMany(rows) {
      writeAll(rows);
    },
    load: async (namespace) => select.all(namespace),
    read: async (namespace, keys) => keys.map((key) => one.get(namespace, key)),
    async close() {
      db.close();
    },
  };
}
