import type { QueryRunner } from 'typeorm';
import { driverErrorOf } from '../driver-error.js';
import type { SqliteSynchronous } from './dialect.js';

/**
 * How long SQLite itself waits for a lock, ms. Next to nothing: it holds the connection meanwhile, and one of the few threads that
 * every SQLite connection of the process works on, that of the lock's owner included; better-sqlite3 even holds the event loop.
 * For longer waits the connection tries again.
 */
const BUSY_TIMEOUT_MS = 1;

export interface SqliteSettings {
  readonly synchronous: SqliteSynchronous;
  /**
   * Whether the file is the cache's alone: then it is switched to write-ahead logging, which lets readers and the writer
   * go on beside each other. A file of the app keeps its journal mode.
   */
  readonly ownsFile: boolean;
}

/** Sets up a connection to a SQLite file. Rejects if the file can't be written. */
export async function prepareSqlite(
  runner: QueryRunner,
  { synchronous, ownsFile }: SqliteSettings,
): Promise<void> {
  await runner.query(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  if (ownsFile) await runner.query('PRAGMA journal_mode = WAL');
  await runner.query(`PRAGMA synchronous = ${synchronous === 'full' ? 'FULL' : 'NORMAL'}`);
  // A commit of an instance that was removed fails by the foreign key of its note.
  await runner.query('PRAGMA foreign_keys = ON');
  await assertWritable(runner);
}

/** A read-only file opens without an error; only the first write would fail. */
async function assertWritable(runner: QueryRunner): Promise<void> {
  try {
    await runner.query('BEGIN IMMEDIATE');
    await runner.query('ROLLBACK');
  } catch (error) {
    // A lock held by others is no fault of the file.
    if (driverErrorOf(error).code?.startsWith('SQLITE_BUSY') !== true) throw error;
  }
}
