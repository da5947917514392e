import type { DataSourceOptions } from 'typeorm';
import { CacheError } from '../core/cache-error.js';

/** What each database needs besides TypeORM. */
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

/** What to say of an error that TypeORM has when a DataSource is made: the driver's package is missing, or unknown to it. */
export function driverPackageError(type: DataSourceOptions['type'], cause: unknown): CacheError {
  const name = cause instanceof Error ? cause.constructor.name : '';
  const driver = PACKAGES[type];
  if (driver !== undefined && (name === 'DriverPackageNotInstalledError' || isNotFound(cause))) {
    return unsupported(
      `The cache needs the package '${driver}' for storage of type '${type}', and it is not installed: npm install ${driver}`,
      cause,
    );
  }
  if (name === 'MissingDriverError') {
    const instead =
      type === 'sqlite'
        ? " Use type: 'better-sqlite3' (npm install better-sqlite3): TypeORM 1 has no other."
        : '';
    return unsupported(`The installed TypeORM has no driver of type '${type}'.${instead}`, cause);
  }
  return unsupported(
    `TypeORM does not take the options given as storage of type '${type}'. See the cause.`,
    cause,
  );
}

function isNotFound(error: unknown): boolean {
  return /MODULE_NOT_FOUND/.test(String((error as { code?: unknown } | undefined)?.code));
}

function unsupported(message: string, cause: unknown): CacheError {
  // Without TypeORM's own: it may quote the options.
  const { name } = cause instanceof Error ? cause.constructor : { name: 'Error' };
  return new CacheError('UNSUPPORTED_STORAGE', message, { option: 'storage', cause: new Error(name) });
}
