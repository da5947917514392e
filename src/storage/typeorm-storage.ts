import { resolve } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { CACHE_MIGRATIONS_TABLE } from '../../migrations/index.js';
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
import { retryWhileBusy } from './retry-while-busy.js';
import { FileIdentity, isEphemeral, prepareSqliteFile } from './sqlite-file.js';

/** How long a start waits while others have the database locked, ms. */
const START_TIMEOUT_MS = 10_000;

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
  /** Of a database in a file. */
  #file: FileIdentity | undefined;

  constructor(private readonly options: TypeOrmStorageOptions) {
    this.#connection = connectionOf(options.storage);
    this.#dataSource = new DataSource(this.#connection.options);
    this.#dialect = SqliteDialect.of(this.#dataSource);
  }

  get rescuePath(): string | undefined {
    const { database } = this.#connection.options;
    return isEphemeral(database) ? undefined : `${database}.rescue.ndjson`;
  }

  async open(): Promise<void> {
    const { database } = this.#connection.options;
    if (!isEphemeral(database)) await prepareSqliteFile(database);
    try {
      await this.#dataSource.initialize();
      await retryWhileBusy(async () => {
        await this.#dialect.prepare(this.options.synchronous, this.#connection.isOwn);
        if (this.options.migrationsRun && !(await this.#isMigrated())) await this.#migrate();
      }, START_TIMEOUT_MS);
      if (!isEphemeral(database)) this.#file = new FileIdentity(resolve(database));
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

  writtenAt(namespace: string, keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#lock.run(() => this.#dialect.writtenAt(namespace, keys));
  }

  write(batch: readonly NamespaceWrite[], now: number): Promise<void> {
    const statements = batch.flatMap(({ namespace, puts, deletes }) => [
      ...this.#dialect.deletes(namespace, deletes),
      ...this.#dialect.puts(namespace, puts, now),
    ]);
    return this.#lock.run(async () => {
      await this.#execute(statements);
      // Before anyone is told: what was committed to a file that is gone is not durable.
      this.#file?.assertSame();
    });
  }

  clear(namespace: string): Promise<void> {
    return this.#lock.run(async () => {
      await this.#dialect.clear(namespace);
      this.#file?.assertSame();
    });
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

  /** Without asking for a lock: a start with nothing to migrate waits for nobody. */
  async #isMigrated(): Promise<boolean> {
    const runner = this.#dataSource.createQueryRunner();
    if (!(await runner.hasTable(CACHE_MIGRATIONS_TABLE))) return false;
    const rows: { name: string }[] = await runner.query(`SELECT "name" FROM "${CACHE_MIGRATIONS_TABLE}"`);
    const ran = new Set(rows.map((row) => row.name));
    return this.#dataSource.migrations.every((migration) =>
      ran.has(migration.name ?? migration.constructor.name),
    );
  }

  /** Under a lock from the beginning: of several instances that start at once, one migrates and the others see it. */
  async #migrate(): Promise<void> {
    await this.#inTransaction(async () => {
      await this.#dataSource.runMigrations({ transaction: 'none' });
    });
  }

  /** One statement is a transaction of its own; several are put into one. */
  async #execute(statements: readonly [string, unknown[]][]): Promise<void> {
    const [only] = statements;
    if (only === undefined) return;
    if (statements.length === 1) {
      await this.#dataSource.query(...only);
      return;
    }
    await this.#inTransaction(async () => {
      for (const [sql, parameters] of statements) await this.#dataSource.query(sql, parameters);
    });
  }

  async #inTransaction(task: () => Promise<void>): Promise<void> {
    await this.#dataSource.query('BEGIN IMMEDIATE');
    try {
      await task();
      await this.#dataSource.query('COMMIT');
    } catch (error) {
      // Some errors end the transaction by themselves; then there is nothing to roll back.
      await this.#dataSource.query('ROLLBACK').catch(() => undefined);
      throw error;
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
