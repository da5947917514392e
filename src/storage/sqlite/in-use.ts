import { DataSource } from 'typeorm';
import { driverErrorOf } from '../driver-error.js';

/**
 * Whether another connection has the SQLite file open: in write-ahead logging each holds a lock as long as it lives. In the
 * other journal modes only one that is in a transaction does.
 */
export async function isInUse(type: 'sqlite' | 'better-sqlite3', database: string): Promise<boolean> {
  const dataSource = await new DataSource({ type, database }).initialize();
  try {
    await dataSource.query('PRAGMA busy_timeout = 0');
    // Then the first read asks for the file alone, where it has a write-ahead log.
    await dataSource.query('PRAGMA locking_mode = EXCLUSIVE');
    await dataSource.query('SELECT COUNT(*) FROM sqlite_master');
    return false;
  } catch (error) {
    // Anything else is for whoever opens the file to tell.
    return driverErrorOf(error).code?.startsWith('SQLITE_BUSY') === true;
  } finally {
    await dataSource.destroy();
  }
}
