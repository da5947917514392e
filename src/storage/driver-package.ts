import type { DataSourceOptions } from 'typeorm';
import type { CacheError } from '../core/cache-error.js';
import { withoutQuotes } from './driver-error.js';
import { unsupported } from './unsupported.js';

/** The driver package of each database. */
const PACKAGES: Readonly<Record<string, string>> = {
  sqlite: 'sqlite3',
  'better-sqlite3': 'better-sqlite3',
  postgres: 'pg',
  cockroachdb: 'pg',
  mysql: 'mysql2',
  mariadb: 'mysql2',
  mssql: 'mssql',
  oracle: 'oracledb',
  sap: '@sap/hana-client',
  spanner: '@google-cloud/spanner',
  sqljs: 'sql.js',
};

/** The types that the cache runs on, the main ones first. */
const TYPES =
  "'sqlite', 'better-sqlite3', 'postgres', 'mysql', 'mariadb', and other SQL databases of TypeORM: 'sqljs', 'cockroachdb', " +
  "'mssql', 'oracle', 'sap', 'spanner', 'aurora-postgres', 'aurora-mysql', 'expo', 'capacitor', 'cordova', 'nativescript'";
/** Other names of databases and their packages. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  sqlite3: 'sqlite',
  pg: 'postgres',
  postgresql: 'postgres',
  mysql2: 'mysql',
};

/** The remedy for an error of `new DataSource()`: the driver's package is missing, or TypeORM does not know it. */
export function driverPackageError(type: DataSourceOptions['type'], cause: unknown): CacheError {
  const name = cause instanceof Error ? cause.constructor.name : '';
  const driver = PACKAGES[type];
  if (driver !== undefined && (name === 'DriverPackageNotInstalledError' || isNotFound(cause))) {
    return unsupported(
      `The cache needs the package '${driver}' for storage of type '${type}', and it is not installed: npm install ${driver}`,
      withoutOptions(cause),
    );
  }
  if (name === 'MissingDriverError') {
    return unsupported(
      `The installed TypeORM has no driver of ${shown(type)}. ${insteadOf(type)}`,
      withoutOptions(cause),
    );
  }
  return unsupported(
    `TypeORM does not take the options given as storage of ${shown(type)}. See the cause.`,
    withoutOptions(cause),
  );
}

function insteadOf(type: string): string {
  if (type === 'sqlite') {
    return "Use type: 'better-sqlite3' (npm install better-sqlite3): TypeORM 1 has no other.";
  }
  const meant = OTHER_NAMES[type.toLowerCase()];
  const hint = meant === undefined ? '' : ` Did you mean '${meant}'?`;
  return `The cache runs on ${TYPES}.${hint}`;
}

/** The `type` may be an address by mistake, with its password. */
function shown(type: string): string {
  return /^[\w-]{1,32}$/.test(type) ? `type '${type}'` : 'the type that the storage names';
}

function isNotFound(error: unknown): boolean {
  return /MODULE_NOT_FOUND/.test(String((error as { code?: unknown } | undefined)?.code));
}

/** The error's name and its message up to the first quote: TypeORM's errors may quote the options. */
function withoutOptions(error: unknown): Error {
  const { name } = error instanceof Error ? error.constructor : { name: 'Error' };
  const message = error instanceof Error ? withoutQuotes(error.message) : '';
  return new Error(`${name}: ${message}`);
}
