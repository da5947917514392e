import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { CacheStorage } from '../src/storage/cache-storage.entity.js';
import { CACHE_MIGRATIONS_TABLE, cacheMigrations } from './index.js';

/** For the TypeORM CLI (`npm run migration:show`): the database at `CACHE_DATABASE`, by default the cache's own. */
export default new DataSource({
  type: 'sqlite',
  database: process.env['CACHE_DATABASE'] ?? 'data/cache.sqlite',
  entities: [CacheStorage],
  migrations: cacheMigrations,
  migrationsTableName: CACHE_MIGRATIONS_TABLE,
});
