import type { DataSource, DataSourceOptions } from 'typeorm';
import { CACHE_MIGRATIONS_TABLE, cacheMigrations } from '../../migrations/index.js';
import { CacheError } from '../core/cache-error.js';
import { CacheStorage } from './cache-storage.entity.js';
import { isEphemeral } from './sqlite-file.js';

/** Where the cache connects to, and whether the database is its own. */
export interface CacheConnection {
  readonly options: DataSourceOptions & { type: 'sqlite' };
  /** False for a template: then file and server are the app's, and keep their settings. */
  readonly isOwn: boolean;
}

/** Whether `storage` is a DataSource, of whichever copy of TypeORM. */
function isDataSource(storage: object): storage is DataSource {
  return 'options' in storage && typeof (storage as Partial<DataSource>).createQueryRunner === 'function';
}

/**
 * The options of the cache's own connection: those given, or those of the app's DataSource, which is only read. Our
 * entity and our migrations take the place of whatever else was configured.
 */
export function connectionOf(storage: DataSourceOptions | DataSource): CacheConnection {
  const isOwn = !isDataSource(storage);
  const given: DataSourceOptions = isOwn ? storage : storage.options;
  if (given.type !== 'sqlite') {
    throw new CacheError(
      'UNSUPPORTED_STORAGE',
      `The cache does not run on '${given.type}'. Use storage: { type: 'sqlite', database: 'path/to/file' } with the ` +
        'sqlite3 package, or give an object that implements CacheStorageAdapter.',
      { option: 'storage' },
    );
  }
  if (!isOwn && isEphemeral(given.database)) {
    throw new CacheError(
      'UNSUPPORTED_STORAGE',
      'The DataSource given as storage is an in-memory SQLite database, which no second connection can see. ' +
        "Give the cache a file of its own (storage: { type: 'sqlite', database: 'data/cache.sqlite' }), " +
        'or new InMemoryStorage() in tests.',
      { option: 'storage' },
    );
  }
  // What a template has for the app's own use must not come along: its entities, its prefix, its logging of parameters.
  const {
    entityPrefix: _prefix,
    namingStrategy: _naming,
    subscribers: _subscribers,
    cache: _cache,
    ...rest
  } = given;
  return {
    isOwn,
    options: {
      ...rest,
      type: 'sqlite',
      entities: [CacheStorage],
      migrations: cacheMigrations,
      migrationsTableName: CACHE_MIGRATIONS_TABLE,
      migrationsRun: false,
      synchronize: false,
      dropSchema: false,
      ...(isOwn ? {} : { logging: false }),
    },
  };
}
