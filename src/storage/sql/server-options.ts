import type { DataSourceOptions } from 'typeorm';
import { MYSQL_SETTINGS_OF_THE_CACHE } from '../address/mysql-parameters.js';
import { isInstalled } from '../is-installed.js';
import { unsupported } from '../unsupported.js';

type PostgresOptions = Extract<DataSourceOptions, { type: 'postgres' }>;
type MysqlOptions = Extract<DataSourceOptions, { type: 'mysql' | 'mariadb' }>;
/** Settings handed to the driver as they are. */
type Extra = Readonly<Record<string, unknown>>;

/** What the sessions of a cache are called, where sessions have names. */
export const CACHE_APPLICATION = 'nestjs-durable-cache';

/** One connection that writes, and some that read meanwhile. */
const POOL_SIZE = 3;
/** One that writes, and one that reads. */
const LEAST_POOL_SIZE = 2;
/** Beside them, for the session that shows other instances that this one lives. */
const KEPT_CONNECTIONS = 1;
/** Settings of pg that are the cache's own: how values come back, and how long anyone waits. */
const POSTGRES_OWN = ['binary', 'query_timeout', 'types'];
const CONNECT_TIMEOUT_MS = 5000;
/** A server that says nothing for so long is taken for gone, ms. Ample for the largest statement of the cache. */
const QUERY_TIMEOUT_MS = 30_000;

/** What a timer of Node.js takes, ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How long the cache waits for the answer to a statement, ms: what `extra.query_timeout` says, as pg knows it. */
export function queryTimeoutOf(options: DataSourceOptions): number {
  const { query_timeout: given } = (options.extra ?? {}) as { query_timeout?: unknown };
  if (given === undefined || given === null) return QUERY_TIMEOUT_MS;
  // As environment variables give it.
  const ms = typeof given === 'string' && /^\d+$/.test(given.trim()) ? Number(given) : given;
  if (typeof ms !== 'number' || !(ms >= 0 && ms <= LONGEST_TIMER_MS))
    throw unsupported(
      `The storage's extra.query_timeout must be a number of milliseconds, at most ${LONGEST_TIMER_MS}. Leave it out for ${QUERY_TIMEOUT_MS}.`,
    );
  // For pg, 0 is for ever.
  return ms === 0 ? QUERY_TIMEOUT_MS : ms;
}

/** How many connections the cache writes and reads on, at most, given the options that its driver is given. */
export function poolSizeOf({ type, poolSize }: DataSourceOptions): number {
  if (poolSize === undefined) return POOL_SIZE;
  const isKnown = type === 'postgres' || type === 'mysql' || type === 'mariadb';
  return isKnown ? poolSize - KEPT_CONNECTIONS : poolSize;
}

/** What the driver of PostgreSQL is given. */
export function postgresOptions(given: PostgresOptions, isOwn: boolean): PostgresOptions {
  const {
    poolSize,
    // Settings of the whole process, or of what the app alone uses.
    parseInt8: _parseInt8,
    useUTC: _useUtc,
    logNotifications: _logNotifications,
    installExtensions: _installExtensions,
    poolErrorHandler,
    ...rest
  } = given;
  const extra = driverSettings(given.extra, [...POSTGRES_OWN, 'max', ...(isOwn ? [] : ['min'])]);
  // TypeORM takes it wherever it finds it.
  const isNative = given.nativeDriver !== undefined || isInstalled('pg-native', 'typeorm');
  return {
    ...rest,
    poolSize: KEPT_CONNECTIONS + (isOwn ? ownPoolSize(given.extra, 'max', poolSize) : POOL_SIZE),
    connectTimeoutMS: given.connectTimeoutMS ?? CONNECT_TIMEOUT_MS,
    applicationName: given.applicationName ?? CACHE_APPLICATION,
    installExtensions: false,
    // The next statement finds out. Without a handler it would be an uncaught exception.
    poolErrorHandler: (isOwn ? poolErrorHandler : undefined) ?? (() => undefined),
    // Statements are sent while others are answered, by versions of pg that can. With pg-native, some can't be made to, and
    // others lose the codes of errors by it.
    extra: { keepAlive: true, allowExitOnIdle: true, ...(isNative ? {} : { pipeline: true }), ...extra },
  };
}

/** What mysql2 is given. */
export function mysqlOptions(given: MysqlOptions, isOwn: boolean): MysqlOptions {
  const {
    poolSize,
    // Its timer outlives the connection, and what it logs holds values. The cache has a timer of its own.
    maxQueryExecutionTime: _slow,
    enableQueryTimeout: _timeout,
    ...rest
  } = given;
  const extra = driverSettings(given.extra, [
    ...MYSQL_SETTINGS_OF_THE_CACHE,
    'query_timeout',
    'connectionLimit',
    ...(isOwn ? [] : ['maxIdle']),
  ]);
  return {
    ...rest,
    poolSize: KEPT_CONNECTIONS + (isOwn ? ownPoolSize(given.extra, 'connectionLimit', poolSize) : POOL_SIZE),
    connectorPackage: 'mysql2',
    connectTimeout: given.connectTimeout ?? CONNECT_TIMEOUT_MS,
    charset: 'utf8mb4',
    timezone: 'Z',
    dateStrings: false,
    supportBigNumbers: true,
    bigNumberStrings: true,
    multipleStatements: false,
    // A statement that has left every row as it was is to count none.
    flags: [...(given.flags ?? []), '-FOUND_ROWS'],
    extra: { enableKeepAlive: true, ...extra },
  };
}

/** The size of a pool of the cache's own, which the driver takes by a name of its own too. */
function ownPoolSize(extra: unknown, name: string, poolSize: number | undefined): number {
  const byDriver = (extra as Extra | undefined)?.[name];
  const size = byDriver ?? poolSize ?? POOL_SIZE;
  if (Number.isSafeInteger(size) && (size as number) >= LEAST_POOL_SIZE) return size as number;
  throw unsupported(
    `The storage's ${byDriver === undefined ? 'poolSize' : `extra.${name}`} must be a whole number of at least ${LEAST_POOL_SIZE}: the cache ` +
      `keeps one connection for writing, and reads on the others. Leave it out for ${POOL_SIZE}.`,
  );
}

/** A template's pool is as large as the app needs it. The timeout, the size and how values come back are the cache's own. */
function driverSettings(extra: unknown, dropped: readonly string[]): Extra {
  return Object.fromEntries(
    Object.entries((extra ?? {}) as Extra).filter(([name]) => !dropped.includes(name)),
  );
}
