import { isInstalled } from '../is-installed.js';

/**
 * Which of TypeORM's types reaches a SQLite file with what is installed: `sqlite` where TypeORM has a driver for the
 * package sqlite3 (1.x has none) and the package is there, else `better-sqlite3`, installed or not: every TypeORM has a driver for
 * that, so that to install it is all that is missing.
 */
export function sqliteDriver(): 'sqlite' | 'better-sqlite3' {
  if (isInstalled('sqlite3') && isInstalled('typeorm/driver/sqlite/SqliteDriver.js')) return 'sqlite';
  return 'better-sqlite3';
}
