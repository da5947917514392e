import { setTimeout as delay } from 'node:timers/promises';
import { resolve } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { CacheError } from '../core/cache-error.js';
import type {
  CacheStorageAdapter,
  LoadPage,
  NamespaceWrite,
  StorageFailure,
  StoredEntry,
} from '../core/storage-adapter.js';
import { codeOf } from '../core/driver-code.js';
import { ConnectionLock } from './connection-lock.js';
import { connectionOf, type CacheConnection } from './connection-options.js';
import { SqliteDialect, type SqliteSynchronous } from './dialects/sqlite.js';
import { isEphemeral, prepareSqliteFile } from './sqlite-file.js';

/** How long the migrations are tried again while another process has the database locked, ms. */
const MIGRATION_TIMEOUT_MS = 10_000;
const MIGRATION_RETRY_MS = 50;

export interface TypeOrmStorageOptions {
  readonly storage: DataSourceOptions | DataSource;
  /** Whether {@link TypeOrmStorage.open} runs the migrations. */
  readonly migrationsRun: boolean;
  readonly synchronous: SqliteSynchronous;
}

/** The storage port on a SQL table, through a TypeORM connection of its own. */
export class TypeOrmStorage implements CacheStorageAdapter {
  readonly #connection: CacheConnection;
  readonly #dataSource: DataSource;
  readonly #dialect: SqliteDialect;
  readonly #lock = new ConnectionLock();

  constructor(private readonly options: TypeOrmStorageOptions) {
    this.#connection = connectionOf(options.storage);
    this.#dataSource = new DataSource(this.#connection.options);
    this.#dialect = SqliteDialect.of(this.#dataSource);
  }

  async open(): Promise<void> {
    const { database } = this.#connection.options;
    if (!isEphemeral(database)) await prepareSqliteFile(database);
    try {
      await this.#dataSource.initialize();
      await this.#dialect.prepare(this.options.synchronous, this.#connection.isOwn);
      if (this.options.migrationsRun) await this.#migrate();
      await this.#dialect.ready();
    } catch (error) {
      if (this.#dataSource.isInitialized) await this.#dataSource.destroy().catch(() => undefined);
      throw this.#openFailed(error);
    }
  }

  close(): Promise<void> {
    return this.#lock.run(() => this.#dataSource.destroy());
  }

  count(namespace: string, now: number): Promise<number> {
    return this.#lock.run(() => this.#dialect.count(namespace, now));
  }

  load(namespace: string, page: LoadPage): Promise<readonly StoredEntry[]> {
    return this.#lock.run(() => this.#dialect.load(namespace, page));
  }

  read(namespace: string, keys: readonly string[]): Promise<readonly StoredEntry[]> {
    return this.#lock.run(() => this.#dialect.read(namespace, keys));
  }

  write(batch: readonly NamespaceWrite[]): Promise<void> {
    const statements = batch.flatMap(({ namespace, puts, deletes }) => [
      ...this.#dialect.deletes(namespace, deletes),
      ...this.#dialect.puts(namespace, puts),
    ]);
    return this.#lock.run(() => this.#execute(statements));
  }

  clear(namespace: string): Promise<void> {
    return this.#lock.run(() => this.#dialect.clear(namespace));
  }

  purgeExpired(namespace: string, now: number): Promise<number> {
    return this.#lock.run(() => this.#dialect.purgeExpired(namespace, now));
  }

  classify(error: unknown): StorageFailure {
    return this.#dialect.classify(error);
  }

  describe(): string {
    const { database } = this.#connection.options;
    return `sqlite ${isEphemeral(database) ? 'in memory' : resolve(database)}`;
  }

  /** One statement is a transaction of its own; several are put into one. */
  async #execute(statements: readonly [string, unknown[]][]): Promise<void> {
    const [only] = statements;
    if (only === undefined) return;
    if (statements.length === 1) {
      await this.#dataSource.query(...only);
      return;
    }
    await this.#dataSource.query('BEGIN IMMEDIATE');
    try {
      for (const [sql, parameters] of statements) await this.#dataSource.query(sql, parameters);
      await this.#dataSource.query('COMMIT');
    } catch (error) {
      // Some errors end the transaction by themselves; then there is nothing to roll back.
      await this.#dataSource.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  /** Migrations are idempotent, so an attempt that met another process's lock can simply be made again. */
  async #migrate(): Promise<void> {
    const deadline = Date.now() + MIGRATION_TIMEOUT_MS;
    for (;;) {
      try {
        await this.#dataSource.runMigrations({ transaction: 'all' });
        return;
      } catch (error) {
        if (codeOf(error) !== 'SQLITE_BUSY' || Date.now() > deadline) throw error;
        await delay(MIGRATION_RETRY_MS);
      }
    }
  }

  #openFailed(cause: unknown): CacheError {
    const code = codeOf(cause);
    const reason = code === undefined ? (cause instanceof Error ? cause.message : String(cause)) : code;
    return new CacheError(
      'STORAGE_OPEN_FAILED',
      `The cache could not open its database (${this.describe()}): ${reason}. ${REMEDIES[code ?? ''] ?? 'See the cause.'}`,
      { cause },
    );
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  SQLITE_NOTADB:
    'The file is not a SQLite database and was left as it is: set another path in storage.database.',
  SQLITE_READONLY: 'Give the process write permission to the file and its folder.',
  SQLITE_CANTOPEN: 'Give the process permission to the file and its folder.',
  SQLITE_BUSY: 'Another process holds a lock on it: end that process, or start again when it is done.',
  SQLITE_CORRUPT: 'The file is damaged: restore it from a backup, or set another path.',
};
