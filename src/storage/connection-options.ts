import type { DataSource, DataSourceOptions } from 'typeorm';
import { CACHE_MIGRATIONS_TABLE, cacheMigrations } from '../../migrations/index.js';
import { CacheError } from '../core/cache-error.js';
import { CacheStorage } from './cache-storage.entity.js';
import { withoutTraces } from './sqlite/quiet-sqlite3.js';
import { silentLogger } from './silent-logger.js';
import { mysqlOptions, postgresOptions } from './sql/server-options.js';
import { hidesCredentials } from './sql/server-address.js';
import { isEphemeral } from './sqlite/file.js';

/** Where the cache connects to, and whether the database is its own. */
export interface CacheConnection {
  /** What the app gave, or its DataSource was made with. */
  readonly given: DataSourceOptions;
  readonly options: DataSourceOptions;
  /** False for a template: then file and server are the app's, and keep their settings. */
  readonly isOwn: boolean;
}

/** Whether `storage` is a DataSource, of whichever copy of TypeORM. */
export function isDataSource(storage: object): storage is DataSource {
  return 'options' in storage && typeof (storage as Partial<DataSource>).createQueryRunner === 'function';
}

/**
 * The options of the cache's own connection: those given, or those of the app's DataSource, which is only read. Our
 * entity and our migrations take the place of whatever else was configured.
 */
export function connectionOf(storage: DataSourceOptions | DataSource): CacheConnection {
  const isOwn = !isDataSource(storage);
  const given: DataSourceOptions = isOwn ? storage : storage.options;
  refuseUnusable(given, isOwn);
  // What a template has for the app's own use must not come along: its entities, its prefix, its logging of parameters.
  const {
    entityPrefix: _prefix,
    namingStrategy: _naming,
    subscribers: _subscribers,
    cache: _cache,
    ...rest
  } = given;
  return {
    given,
    isOwn,
    options: {
      ...forDriver(rest, isOwn),
      entities: [CacheStorage],
      migrations: cacheMigrations,
      migrationsTableName: CACHE_MIGRATIONS_TABLE,
      migrationsRun: false,
      synchronize: false,
      dropSchema: false,
      // Logging is the app's to ask for; a template's is not meant for this connection.
      ...(isOwn && given.logging !== undefined ? {} : { logging: false, logger: silentLogger }),
    },
  };
}

/** What TypeORM takes for the end of a name, or of its quotes. */
const UNSPEAKABLE = /["'`.]/;

function forDriver(given: DataSourceOptions, isOwn: boolean): DataSourceOptions {
  if (given.type === 'sqlite') return withoutTraces(given);
  if (given.type === 'postgres') return postgresOptions(given, isOwn);
  if (given.type === 'mysql' || given.type === 'mariadb') return mysqlOptions(given, isOwn);
  return given;
}

function refuseUnusable(given: DataSourceOptions, isOwn: boolean): void {
  if (typeof given.type !== 'string') {
    throw refused(
      "`storage` needs a type, as in { type: 'sqlite', database: 'data/cache.sqlite' } or { type: 'postgres', url }.",
    );
  }
  if (given.type === 'mongodb') {
    throw refused(
      "The cache does not run on 'mongodb': it needs a SQL database. Use storage: { type: 'sqlite', database: " +
        "'path/to/file' } with the sqlite3 package, or give an object that implements CacheStorageAdapter.",
    );
  }
  if ('url' in given && typeof given.url === 'string' && hidesCredentials(given.url)) {
    throw refused(
      "The storage's url has an @ after its host: percent-encode special characters of user and password (encodeURIComponent), " +
        'or give them beside it.',
    );
  }
  if ('schema' in given && typeof given.schema === 'string' && UNSPEAKABLE.test(given.schema)) {
    throw refused(
      `TypeORM can't name the schema ${JSON.stringify(given.schema)}: it puts quotes and dots into its statements as they are. ` +
        'Give the cache a schema whose name has none of them.',
    );
  }
  const isSqlite = given.type === 'sqlite' || given.type === 'better-sqlite3';
  if (isSqlite && !isOwn && isEphemeral(given.database)) {
    throw refused(
      'The DataSource given as storage is an in-memory SQLite database, which no second connection can see. ' +
        "Give the cache a file of its own (storage: { type: 'sqlite', database: 'data/cache.sqlite' }), " +
        'or new InMemoryStorage() in tests.',
    );
  }
}

function refused(message: string): CacheError {
  return new CacheError('UNSUPPORTED_STORAGE', message, { option: 'storage' });
}
