import type { DataSourceOptions } from 'typeorm';
import type { CacheError } from '../core/cache-error.js';
import { withoutQuotes } from './driver-error.js';
import { isInstalled } from './is-installed.js';
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

/** Those whose packages hold a binary. */
const COMPILED = new Set(['sqlite3', 'better-sqlite3', 'oracledb', '@sap/hana-client']);

/** How the packages, and the loaders of binaries, say that there is none that fits. */
const UNBUILT = /Could not locate the bindings file|NODE_MODULE_VERSION|invalid ELF header|wrong ELF class/i;

/** The remedy for an error of `new DataSource()`: the driver's package is missing, or TypeORM does not know it. */
export function driverPackageError(type: DataSourceOptions['type'], cause: unknown): CacheError {
  const name = cause instanceof Error ? cause.constructor.name : '';
  const driver = PACKAGES[type];
  if (driver !== undefined && (name === 'DriverPackageNotInstalledError' || isNotFound(cause))) {
    // TypeORM says the same of a package that fails when it is loaded.
    if (isInstalled(driver, 'typeorm')) return notLoadedError(driver, withoutOptions(cause));
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

/** What is said when a database is opened of a driver that has no binary, or one of another version of Node; `undefined` for other errors. */
export function unbuiltDriverError(type: DataSourceOptions['type'], cause: unknown): CacheError | undefined {
  const driver = PACKAGES[type];
  const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown };
  if (driver === undefined) return undefined;
  if (code !== 'ERR_DLOPEN_FAILED' && !UNBUILT.test(String(message))) return undefined;
  return notLoadedError(driver, withoutOptions(cause));
}

function notLoadedError(driver: string, cause: Error): CacheError {
  return unsupported(
    COMPILED.has(driver)
      ? `The package '${driver}' is installed, and can't be loaded: its binary is missing, or was built for another version of ` +
          `Node.js. Run: npm rebuild ${driver} (where npm runs no install scripts: npm approve-scripts ${driver}, then npm rebuild ` +
          `${driver}; with pnpm: pnpm approve-builds, then pnpm rebuild ${driver}). Where there is no ` +
          'binary for the platform, that needs Python and a C++ compiler.'
      : `The package '${driver}' is installed, and can't be loaded: install it anew (npm install ${driver}).`,
    cause,
  );
}

function insteadOf(type: string): string {
  if (type === 'sqlite') {
    return (
      "Run npm install better-sqlite3, and write type: 'better-sqlite3' (the file stays the same), or leave storage out for " +
      'data/cache.sqlite with the driver that is installed.'
    );
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
