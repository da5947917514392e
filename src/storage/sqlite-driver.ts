import { createRequire } from 'node:module';

/**
 * Which of TypeORM's types reaches a SQLite file with what is installed: `sqlite` where TypeORM has a driver for the
 * package sqlite3 (1.x has none) and the package is there, else `better-sqlite3` where that is. With neither it is
 * `sqlite`, and TypeORM names what is missing.
 */
export function sqliteDriver(): 'sqlite' | 'better-sqlite3' {
  const { resolve } = createRequire(import.meta.url);
  const isThere = (module: string): boolean => {
    try {
      resolve(module);
      return true;
    } catch {
      return false;
    }
  };
  if (isThere('sqlite3') && isThere('typeorm/driver/sqlite/SqliteDriver.js')) return 'sqlite';
  return isThere('better-sqlite3') ? 'better-sqlite3' : 'sqlite';
}
