import { DataSource, type DataSourceOptions } from 'typeorm';
import { connectionOf } from '../connection-options.js';
import { driverErrorOf } from '../driver-error.js';

/**
 * Whether another connection has a SQLite file open: in write-ahead logging each holds a lock as long as it lives. In the
 * other journal modes only one that is in a transaction does.
 */
export async function isInUse(storage: DataSourceOptions | DataSource): Promise<boolean> {
  const dataSource = new DataSource(connectionOf(storage).options);
  try {
    await dataSource.initialize();
    await dataSource.query('PRAGMA busy_timeout = 0');
    // Then the first read asks for the file alone, where it has a write-ahead log.
    await dataSource.query('PRAGMA locking_mode = EXCLUSIVE');
    await dataSource.query('SELECT COUNT(*) FROM sqlite_master');
    return false;
  } catch (error) {
    // Any other error is reported by whoever opens the file.
    return driverErrorOf(error).code?.startsWith('SQLITE_BUSY') === true;
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}
