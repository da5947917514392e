import { join } from 'node:path';
import type { DataSource, DataSourceOptions } from 'typeorm';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { tempFolder } from '../support/temp-folder.js';

/** Makes paths of SQLite files that are gone with the tests. */
export function sqliteFiles(): () => string {
  const folder = tempFolder();
  let files = 0;
  return () => join(folder, `${(files += 1)}.sqlite`);
}

export function storageOn(storage: DataSourceOptions | DataSource): TypeOrmStorage {
  return new TypeOrmStorage({ storage, migrationsRun: true, synchronous: 'full' });
}
