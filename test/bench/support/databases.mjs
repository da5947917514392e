import { openRaw as betterSqlite3 } from '../raw/better-sqlite3.mjs';
import { openRaw as mariadb } from '../raw/mariadb.mjs';
import { openRaw as postgres } from '../raw/postgres.mjs';
import { openRaw as sqlite3 } from '../raw/sqlite3.mjs';
import { newDatabase } from './app.mjs';

const POSTGRES_URL = process.env.TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/test';
const MARIADB_URL = process.env.TEST_MARIADB_URL ?? 'mysql://root@127.0.0.1:3306/test';

/** What the cache runs on: options of a storage, and the same database by hand. */
export const SQLITE3 = {
  name: 'SQLite, sqlite3',
  raw: sqlite3,
  open: () => ({ type: 'sqlite', database: newDatabase() }),
};
export const BETTER_SQLITE3 = {
  name: 'SQLite, better-sqlite3',
  raw: betterSqlite3,
  open: () => ({ type: 'better-sqlite3', database: newDatabase() }),
};
export const POSTGRES = {
  name: 'PostgreSQL',
  raw: postgres,
  open: () => ({ type: 'postgres', url: POSTGRES_URL }),
};
export const MARIADB = {
  name: 'MariaDB',
  raw: mariadb,
  open: () => ({ type: 'mariadb', url: MARIADB_URL }),
};

export const ALL = [SQLITE3, BETTER_SQLITE3, POSTGRES, MARIADB];

const NAMED = { sqlite3: SQLITE3, 'better-sqlite3': BETTER_SQLITE3, postgres: POSTGRES, mariadb: MARIADB };
/** Those that were asked for. */
const ASKED = process.env.BENCH_DATABASES?.split(',').map((name) => NAMED[name]) ?? ALL;

/** Those that are there; says of the others that they are left out. */
export async function reachable() {
  const found = [];
  for (const database of ASKED) {
    try {
      // A file is there when it is opened; a server has to answer.
      if ('url' in database.open()) await (await database.raw(database.open())).close();
      found.push(database);
    } catch (error) {
      console.error(`Left out: ${database.name} (${error.code ?? error.message}).`);
    }
  }
  return found;
}
