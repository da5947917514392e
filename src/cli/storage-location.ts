import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { CacheError } from '../core/cache-error.js';
import { hidesCredentials } from '../storage/address/unencoded.js';
import { isDataSource } from '../storage/connection-options.js';
import { sqliteDriver } from '../storage/sqlite/driver.js';
import { TypeOrmStorage, type TypeOrmStorageOptions } from '../storage/typeorm-storage.js';

type Connection = DataSource | DataSourceOptions;

/** Where a storage is, as the command line names it. */
export class StorageLocation {
  private constructor(
    private readonly option: string,
    private readonly connection: Connection,
  ) {}

  /**
   * `text` is a URL (`postgres://…`, `mysql://…`, `mariadb://…`), a module (`.js`, `.mjs`, `.cjs`) whose default export is a
   * DataSource or the options of one, or else the path of a SQLite file. Rejects with `INVALID_OPTION`; what it says
   * holds no credentials.
   */
  static async parse(option: string, text: string): Promise<StorageLocation> {
    if (/\.[cm]?js$/.test(text)) return new StorageLocation(option, await importConnection(option, text));
    const [, scheme] = /^([a-z][a-z\d+.-]*):\/\//i.exec(text) ?? [];
    if (scheme === undefined) return new StorageLocation(option, { type: sqliteDriver(), database: text });
    const type = SCHEMES[scheme.toLowerCase()];
    if (type === undefined || !URL.canParse(text) || hidesCredentials(text)) {
      throw invalid(
        option,
        `is not an address of a database that can be copied. Use ${Object.keys(SCHEMES).join('://, ')}://, ` +
          "with special characters of user and password percent-encoded, a SQLite file's path, or a module that exports a DataSource",
      );
    }
    return new StorageLocation(option, { type, url: text });
  }

  /** To read from: nothing is created, migrated or switched to another journal mode. */
  forReading(): TypeOrmStorage {
    if (!this.exists) {
      throw invalid(
        this.option,
        `names a file that is not there: ${resolve(this.#file ?? '')}. Check the path`,
      );
    }
    return storageOf(() => ({
      // As a template: the settings of such a database are left as they are.
      storage: isDataSource(this.connection) ? this.connection : new DataSource(this.connection),
      migrationsRun: false,
      readsOnly: true,
      synchronous: 'full',
    }));
  }

  /** To write to: the table is made where it is missing. */
  forWriting(): TypeOrmStorage {
    return storageOf(() => ({ storage: this.connection, migrationsRun: true, synchronous: 'full' }));
  }

  /** False for a SQLite file that is yet to be made. */
  get exists(): boolean {
    return this.#file === undefined || existsSync(this.#file);
  }

  get #file(): string | undefined {
    const options = isDataSource(this.connection) ? this.connection.options : this.connection;
    return options.type === 'sqlite' || options.type === 'better-sqlite3' ? options.database : undefined;
  }
}

const SCHEMES: Readonly<Record<string, 'postgres' | 'mysql' | 'mariadb'>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mariadb',
};

/** TypeORM throws at once where the driver's package is missing, and names it. */
function storageOf(options: () => TypeOrmStorageOptions): TypeOrmStorage {
  try {
    return new TypeOrmStorage(options());
  } catch (cause) {
    if (cause instanceof CacheError) throw cause;
    throw new CacheError('STORAGE_OPEN_FAILED', messageOf(cause), { cause });
  }
}

async function importConnection(option: string, path: string): Promise<Connection> {
  let connection: unknown;
  try {
    const module = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown };
    connection = unwrap(module.default);
  } catch (cause) {
    throw invalid(option, `names a module that can't be loaded: ${messageOf(cause)}. Check the path`, cause);
  }
  if (typeof connection === 'object' && connection !== null) {
    if (isDataSource(connection) || 'type' in connection) return connection as Connection;
  }
  throw invalid(option, 'names a module whose default export is neither a DataSource nor the options of one');
}

/** A CommonJS module compiled from `export default` has its export one level down. */
function unwrap(exported: unknown): unknown {
  const inner = (exported as { default?: unknown } | null | undefined)?.default;
  return inner ?? exported;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function invalid(option: string, what: string, cause?: unknown): CacheError {
  return new CacheError('INVALID_OPTION', `--${option} ${what}.`, { option, cause });
}
