import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { CacheError, isCacheError } from '../core/cache-error.js';
import { connectionOf, isDataSource } from '../storage/connection-options.js';
import type { Place } from '../storage/listed-storage.js';
import { sqliteDriver } from '../storage/sqlite/driver.js';
import { isInUse } from '../storage/sqlite/in-use.js';
import { TypeOrmStorage, type TypeOrmStorageOptions } from '../storage/typeorm-storage.js';
import { readAddress } from './address.js';
import { importConnection, type GivenConnection } from './connection-module.js';

/** What the sessions of the command are called: those of the applications have another name. */
const APPLICATION = 'nestjs-durable-cache command';

/** Where a storage is, as the command line names it. */
export class StorageLocation {
  private constructor(
    private readonly option: string,
    private readonly connection: GivenConnection,
  ) {}

  /**
   * `text` is a URL (`postgres://…`, `mysql://…`, `mariadb://…`), a module (`.js`, `.mjs`, `.cjs`) whose default export is a
   * DataSource or the options of one, or else the path of a SQLite file. Rejects with `INVALID_OPTION`; what it says
   * holds no credentials.
   */
  static async parse(option: string, text: string): Promise<StorageLocation> {
    const address = readAddress(option, text);
    switch (address.kind) {
      case 'server':
        return new StorageLocation(option, named({ type: address.type, url: address.url }));
      case 'module':
        return new StorageLocation(option, named(await importConnection(option, address.path)));
      case 'file':
        return new StorageLocation(option, { type: sqliteDriver(), database: address.path });
    }
  }

  /** To read from: nothing is created, migrated or switched to another journal mode. */
  forReading(): TypeOrmStorage {
    if (!this.exists) {
      throw new CacheError(
        'INVALID_OPTION',
        `--${this.option} names a file that is not there: ${resolve(this.#file ?? '')}. Check the path.`,
        { option: this.option },
      );
    }
    return storageOf(() => ({
      storage: this.#template,
      migrationsRun: false,
      readsOnly: true,
      synchronous: 'full',
    }));
  }

  /** To write to: the table is made where it is missing. A SQLite file that is there, and may be the application's, keeps its journal mode. */
  forWriting(): TypeOrmStorage {
    return storageOf(() => ({
      storage: this.#file !== undefined && this.exists ? this.#template : this.connection,
      migrationsRun: true,
      synchronous: 'full',
    }));
  }

  /** False for a SQLite file that is yet to be made. */
  get exists(): boolean {
    return this.#file === undefined || existsSync(this.#file);
  }

  /** The schema that is named, where there are some. */
  get schema(): string | undefined {
    const options = this.#options as { readonly schema?: unknown };
    return typeof options.schema === 'string' ? options.schema : undefined;
  }

  /** Whether somebody has the SQLite file open; false for what is no file. */
  async isInUse(): Promise<boolean> {
    return this.#file !== undefined && this.exists && (await isInUse(this.connection));
  }

  /** Which table this is, and who uses it; `undefined` where it is yet to be made. Changes nothing there. */
  async place(): Promise<Place | undefined> {
    if (!this.exists) return undefined;
    const storage = this.forReading();
    // First: it would meet the connection of the storage.
    const isUsed = await this.isInUse();
    await storage.open();
    try {
      const place = await storage.place();
      return isUsed ? { ...place, caches: 1 } : place;
    } finally {
      await storage.close();
    }
  }

  /** As a template the settings of a database are left as they are. */
  get #template(): DataSource {
    if (isDataSource(this.connection)) return this.connection;
    // Before TypeORM sees them: it has no remedies.
    return new DataSource(connectionOf(this.connection).given);
  }

  get #options(): DataSourceOptions {
    return isDataSource(this.connection) ? this.connection.options : this.connection;
  }

  get #file(): string | undefined {
    const options = this.#options;
    return options.type === 'sqlite' || options.type === 'better-sqlite3' ? options.database : undefined;
  }
}

/** With a name of its own for its sessions, where the server shows names. */
function named(connection: GivenConnection): GivenConnection {
  const options = isDataSource(connection) ? connection.options : connection;
  if (options.type !== 'postgres') return connection;
  const renamed = { ...options, applicationName: APPLICATION };
  return isDataSource(connection) ? new DataSource(renamed) : renamed;
}

/** TypeORM throws at once where the driver's package is missing, and names it. */
function storageOf(options: () => TypeOrmStorageOptions): TypeOrmStorage {
  try {
    return new TypeOrmStorage(options());
  } catch (cause) {
    if (isCacheError(cause)) throw cause;
    throw new CacheError('STORAGE_OPEN_FAILED', cause instanceof Error ? cause.message : String(cause), {
      cause,
    });
  }
}
