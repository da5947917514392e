import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterAll } from 'vitest';
import { quotedTable } from '../../migrations/database-family.js';
import { CHANGES_TABLE, INSTANCES_TABLE } from '../../migrations/instance-tables.js';
import { connectionOf } from '../../src/storage/connection-options.js';
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

/**
 * Gives what `create` makes of one database after the other test has closed its own: the tables are made once, and each finds
 * them empty. Servers take longer to make tables than a contract takes to try them.
 */
export function onEmptiedTables(
  options: DataSourceOptions,
  create: (options: DataSourceOptions) => TypeOrmStorage,
): () => Promise<TypeOrmStorage> {
  let own: DataSource | undefined;
  afterAll(() => own?.destroy());
  return async () => {
    if (own === undefined) {
      const first = storageOn(options);
      await first.open();
      await first.close();
      own = await new DataSource(connectionOf(options).options).initialize();
    }
    for (const table of ['cache_storage', CHANGES_TABLE, INSTANCES_TABLE])
      await own.query(`DELETE FROM ${quotedTable(own, table)}`);
    return create(options);
  };
}
