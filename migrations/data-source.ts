import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { CacheStorage } from '../src/storage/cache-storage.entity.js';
import { isEphemeral, prepareSqliteFile } from '../src/storage/sqlite/file.js';
import { CACHE_MIGRATIONS_TABLE, cacheMigrations } from './index.js';

/** For the TypeORM CLI (`npm run migration:show`): the database at `CACHE_DATABASE`, by default the cache's own. */
export default prepared(process.env['CACHE_DATABASE'] ?? 'data/cache.sqlite');

/** The CLI waits for it. The file is made as the cache makes it: TypeORM would let others read it. */
async function prepared(database: string): Promise<DataSource> {
  if (!isEphemeral(database)) await prepareSqliteFile(database);
  return new DataSource({
    type: 'sqlite',
    database,
    entities: [CacheStorage],
    migrations: cacheMigrations,
    migrationsTableName: CACHE_MIGRATIONS_TABLE,
  });
}
