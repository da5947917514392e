import type { DataSource, DataSourceOptions } from 'typeorm';
import { CACHE_MIGRATIONS_TABLE, cacheMigrations } from '../../migrations/index.js';
import { CACHE_TABLE, CacheStorage } from './cache-storage.entity.js';
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
    // Of TypeORM 1.x. Sessions of the cache have the level that its statements are made for.
    isolationLevel: _isolation,
    ...rest
  } = given as DataSourceOptions & { isolationLevel?: unknown };
  const { options, warnings } = forDriver(rest, isOwn);
  return {
    given,
    isOwn,
    warnings: [...(isOwn ? [] : warningsOfTemplate(given)), ...warnings],
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
    // One of a template says nothing here: it would only stand in the name of the rescue journal.
    const { schema: _schema, ...rest } = given as typeof given & { schema?: unknown };
    const { options, warnings } = spelledOut(rest as typeof given);
    return {
      options: mysqlOptions(options, isOwn),
      warnings: isOwn ? [...warnings, ...warningsOfCharset(given.charset)] : warnings,
    };
  }
  return { options: given.type === 'sqlite' ? withoutTraces(given) : withTrimmedUrl(given), warnings: [] };
}

/** What keeps the tables of the app apart from those of others, and not those of the cache. */
function warningsOfTemplate({ entityPrefix }: DataSourceOptions): readonly string[] {
  if (entityPrefix === undefined || entityPrefix === '') return [];
  return [
    `The DataSource given as storage has an entityPrefix, which the tables of the cache don't have: they are ${CACHE_TABLE} and ` +
      `${CACHE_MIGRATIONS_TABLE}. Applications that share this database need a schema or a database each for their caches.`,
  ];
}

function warningsOfCharset(charset: string | undefined): readonly string[] {
  if (charset === undefined || /^utf8mb4/i.test(charset)) return [];
  return [
    "The storage's charset does nothing here: the cache speaks utf8mb4, which has every character. Leave it out.",
  ];
}

/** TypeORM takes a line break at the end for a part of the database's name. */
function withTrimmedUrl<T extends DataSourceOptions>(given: T): T {
  const { url } = given as { url?: unknown };
  return typeof url === 'string' ? { ...given, url: trimmedUrl(url) } : given;
}
