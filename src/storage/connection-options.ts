import type { DataSource, DataSourceOptions } from 'typeorm';
import { CACHE_MIGRATIONS_TABLE, cacheMigrations } from '../../migrations/index.js';
import { CacheStorage } from './cache-storage.entity.js';
import { withoutTraces } from './sqlite/quiet-sqlite3.js';
import { silentLogger } from './silent-logger.js';
import { mysqlOptions, postgresOptions } from './sql/server-options.js';
import { trimmedUrl } from './address/server-url.js';
import { spelledOut } from './address/spelled-out.js';
import { refuseUnusable } from './usable-options.js';

/** Where the cache connects to, and whether the database is its own. */
export interface CacheConnection {
  /** What the app gave, or its DataSource was made with. */
  readonly given: DataSourceOptions;
  readonly options: DataSourceOptions;
  /** False for a template: then file and server are the app's, and keep their settings. */
  readonly isOwn: boolean;
  /** For the log: what was given and does nothing. */
  readonly warnings: readonly string[];
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
  const { options, warnings } = forDriver(rest, isOwn);
  return {
    given,
    isOwn,
    warnings,
    options: {
      ...options,
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

function forDriver(given: DataSourceOptions, isOwn: boolean): Pick<CacheConnection, 'options' | 'warnings'> {
  if (given.type === 'postgres') {
    const { options, warnings } = spelledOut(given);
    return { options: postgresOptions(options, isOwn), warnings };
  }
  if (given.type === 'mysql' || given.type === 'mariadb') {
    const { options, warnings } = spelledOut(given);
    return { options: mysqlOptions(options, isOwn), warnings };
  }
  return { options: given.type === 'sqlite' ? withoutTraces(given) : withTrimmedUrl(given), warnings: [] };
}

/** TypeORM takes a line break at the end for a part of the database's name. */
function withTrimmedUrl<T extends DataSourceOptions>(given: T): T {
  const { url } = given as { url?: unknown };
  return typeof url === 'string' ? { ...given, url: trimmedUrl(url) } : given;
}
