import { DataSource, type DataSourceOptions, type QueryRunner } from 'typeorm';
import { hasCacheTable } from '../../migrations/database-family.js';
import { storedIdentity } from '../../migrations/identity-table.js';
import { CacheError, isCacheError } from '../core/cache-error.js';
import { EVERY_KEY, type KeyRange } from '../core/keys/key-range.js';
import type { BackplaneConnect } from '../core/sharing/backplane-link.js';
import {
  UNKNOWN_WRITER,
  WENT_BACK,
  type ClaimEvents,
  type Instance,
  type InstanceMode,
  type LoggedInstance,
  type LogHead,
  type LogNote,
  type Rival,
  type SharedStorage,
} from '../core/sharing/shared-storage.js';
import {
  CACHE_STORAGE,
  type Atom,
  type AtomOutcome,
  type Commit,
  type LoadedPage,
  type LoadPage,
  type LogPosition,
  type StampedEntry,
  type StorageFailure,
  type Writer,
} from '../core/storage-adapter.js';
import { connectionOf } from './connection-options.js';
import { databaseOf, type Database } from './database.js';
import type {
  ExactRead,
  ExactRow,
  KeyPage,
  ListedStorage,
  NamespaceFigures,
  Place,
  RefusedRows,
  SizedKey,
  TimedWrite,
} from './listed-storage.js';
import type { StorageState } from './storage-state.js';
import type { Claims } from './sql/claims.js';
import type { Unhurried } from './sql/connection.js';
import { modifyRows, Undecided, writeAtoms, writeFollowed } from './sql/atoms.js';
import { LogRows } from './sql/log-rows.js';
import { assertLogTables } from './sql/log-tables.js';
import { LastNoteMissing, UnknownWriter } from './sql/noted-write.js';
import { removeAll, removeRange } from './sql/removals.js';
import type { Dialect } from './sql/dialect.js';
import type { ExactRows, NamespaceNames } from './sql/exact-rows.js';
import { noIdentity, readIdentity } from './sql/identity.js';
import { noInstances, readyInstanceTables } from './sql/instance-tables.js';
import { tableState } from './sql/table-state.js';
import { undone } from './sql/undone.js';
import type { Statement } from './sql/statement.js';
import type { SqliteSynchronous } from './sqlite/dialect.js';
import { DatabaseError, driverErrorOf, withoutQuotes } from './driver-error.js';
import { driverPackageError, unbuiltDriverError } from './driver-package.js';
import { remedyFor, type OpenStep } from './open-remedies.js';
import { retryWhileBusy } from './retry-while-busy.js';
import { missingColumns, prepareSchema } from './schema.js';

const UNHEARD: ClaimEvents = { disturbed: () => undefined, overwritten: () => undefined };

/** How long a start waits while others have the database locked, ms. */
const START_TIMEOUT_MS = 10_000;

export interface TypeOrmStorageOptions {
  readonly storage: DataSourceOptions | DataSource;
  /** Whether {@link TypeOrmStorage.open} runs the migrations. */
  readonly migrationsRun: boolean;
  /** For tools that look at what is there: the schema is taken as it is, even if there is none. Default false. */
  readonly readsOnly?: boolean;
  readonly synchronous: SqliteSynchronous;
}

/** The storage port on a SQL table, through a TypeORM connection of its own. */
export class TypeOrmStorage implements ListedStorage, SharedStorage {
  readonly [CACHE_STORAGE] = 2;
  readonly #dataSource: DataSource;
  readonly #database: Database;
  readonly #warnings: readonly string[];
  readonly #migrationsRun: boolean;
  readonly #readsOnly: boolean;
  /** How far the start has come: what says that a right is missing does not say what for. */
  #step: OpenStep = 'connecting';
  #identity: string | undefined;
  #isPrepared = false;
  /** Of SQLite alone. */
  readonly hasChanged?: () => Promise<boolean>;
  /** Where the app runs the migrations it may be late with the table that claims are in. */
  #hasInstances = false;
  /** How this instance has joined. */
  #mode: InstanceMode | undefined;

  constructor(
    options: TypeOrmStorageOptions,
    /** Another dialect than that of the database's type. */
    dialect?: (dataSource: DataSource) => Dialect,
  ) {
    // The options are not kept where a glance at this object would show them: they may hold a password.
    this.#migrationsRun = options.migrationsRun;
    this.#readsOnly = options.readsOnly === true;
    const { options: own, given, isOwn, warnings } = connectionOf(options.storage);
    this.#warnings = warnings;
    try {
      this.#dataSource = new DataSource(own);
    } catch (error) {
      throw driverPackageError(given.type, error);
    }
    this.#database = databaseOf(this.#dataSource, {
      given,
      isOwn,
      synchronous: options.synchronous,
      dialect,
    });
    const { connection, hasChanged } = this.#database;
    if (hasChanged !== undefined) this.hasChanged = () => this.#guard(() => connection.read(hasChanged));
  }

  /** Not with words that every database understands. */
  get canBeShared(): boolean {
    return this.#database.dialect.log !== undefined;
  }

  /** Those about the options; once it is open, those about the database too. */
  get warnings(): readonly string[] {
    if (!this.#isPrepared) return this.#warnings;
    const { claims } = this.#database;
    return [
      this.#warnings,
      this.#identity === undefined ? noIdentity(this.describe()) : [],
      claims === undefined || this.#hasInstances ? [] : noInstances(this.describe()),
      claims?.warning ?? [],
    ].flat();
  }

  get rescuePath(): string | undefined {
    return this.#database.rescuePath;
  }

  /** Where an earlier version has put its rescue journal; `undefined` where it is the same place. */
  get earlierRescuePath(): string | undefined {
    return this.#database.earlierRescuePath;
  }

  /** Of PostgreSQL, whose sessions notify one another; `undefined` elsewhere. */
  get connectMessages(): BackplaneConnect | undefined {
    return this.#database.connectMessages;
  }

  /**
   * The random identity of the database, known once it is open; `undefined` where the app runs the migrations and its table
   * is missing, or a tool looks at a database without one.
   */
  get identity(): string | undefined {
    return this.#identity;
  }

  async open(): Promise<void> {
    const { connection, prepare, opened, closed, claims } = this.#database;
    this.#step = 'connecting';
    try {
      await prepare?.();
      await connection.open();
      await retryWhileBusy(() => connection.alone((...alone) => this.#prepare(...alone)), START_TIMEOUT_MS);
      if (this.keepsOthersOut) await claims?.prepare?.();
      opened?.();
    } catch (error) {
      await connection.close().catch(() => undefined);
      closed?.();
      if (isCacheError(error)) throw error;
      throw unbuiltDriverError(this.#dataSource.options.type, error) ?? this.#openFailed(error);
    }
  }

  async close(): Promise<void> {
    const { connection, claims, closed } = this.#database;
    try {
      await connection.close();
      // Behind all that is written.
      await claims?.close?.();
    } finally {
      closed?.();
    }
  }

  get keepsOthersOut(): boolean {
    return this.#hasInstances && this.#database.claims !== undefined;
  }

  async join(instance: Instance, events: ClaimEvents = UNHEARD): Promise<readonly Rival[]> {
    const { claims } = this.#database;
    this.#mode = instance.mode;
    try {
      if (instance.mode === 'many') await this.#prepareLog();
      if (claims !== undefined && this.keepsOthersOut) return await claims.join(instance, events);
      if (instance.mode === 'many') await this.#logRows.join(instance);
      return [];
    } catch (error) {
      if (isCacheError(error)) throw error;
      // A part of the start, with its remedies: the user may lack a right on the table of the instances.
      throw this.#openFailed(error);
    }
  }

  async beat(writer: Writer): Promise<boolean> {
    return this.#guard(() => this.#claims.beat(writer));
  }

  async leave(writer: Writer): Promise<void> {
    await this.#guard(() => this.#claims.leave(writer));
  }

  async remove(writer: Writer, beat?: number): Promise<boolean> {
    return this.#guard(() => this.#claims.remove(writer, beat));
  }

  async namespaces(): Promise<readonly string[]> {
    return (await this.#names()).names;
  }

  async strayRows(): Promise<readonly RefusedRows[]> {
    return (await this.#names()).stray;
  }

  async figures(now: number): Promise<readonly NamespaceFigures[]> {
    if (!(await this.hasTable())) return [];
    return this.#readExactly((rows, runner) => rows.figures(runner, now));
  }

  count(namespace: string, now: number, range: KeyRange = EVERY_KEY): Promise<number> {
    return this.#read((dialect, runner) => dialect.count(runner, namespace, now, range));
  }

  load(namespace: string, page: LoadPage): Promise<LoadedPage> {
    return this.#read((dialect, runner) => dialect.load(runner, namespace, page));
  }

  read(namespace: string, keys: readonly string[]): Promise<readonly StampedEntry[]> {
    return this.#read((dialect, runner) => dialect.read(runner, namespace, keys));
  }

  keys(namespace: string, page: LoadPage): Promise<KeyPage> {
    return this.#readExactly((rows, runner) => rows.keys(runner, namespace, page));
  }

  sizes(namespace: string, keys: readonly string[]): Promise<readonly SizedKey[]> {
    return this.#readExactly((rows, runner) => rows.sizes(runner, namespace, keys));
  }

  exact(namespace: string, keys: readonly string[]): Promise<ExactRead> {
    return this.#readExactly((rows, runner) => rows.read(runner, namespace, keys));
  }

  async restore(namespace: string, rows: readonly ExactRow[]): Promise<void> {
    const { connection, exactRows } = this.#database;
    await this.#guard(async () => connection.write(exactRows.store(namespace, rows)));
  }

  async writeTimed(atoms: readonly Atom<TimedWrite>[], commit: Commit): Promise<readonly AtomOutcome[]> {
    const { connection, dialect, exactRows } = this.#database;
    const timed = (written: readonly TimedWrite[]): Iterable<Statement> =>
      storedAgain(exactRows, written, commit);
    return this.#guard(() => writeFollowed(connection, dialect, { atoms, commit, following: timed }));
  }

  state(): Promise<StorageState> {
    const { connection, state } = this.#database;
    return this.#guard(() => connection.read((runner) => tableState(runner, this.#dataSource, state)));
  }

  place(): Promise<Place> {
    return this.#guard(() => this.#database.connection.read((runner) => this.#database.place(runner)));
  }

  write(atoms: readonly Atom[], commit: Commit): Promise<readonly AtomOutcome[]> {
    const { connection, dialect } = this.#database;
    return this.#guard(() => writeAtoms(connection, dialect, atoms, commit));
  }

  async modify(
    namespace: string,
    keys: readonly string[],
    decide: (rows: readonly StampedEntry[]) => readonly Atom[],
    commit: Commit,
  ): Promise<readonly AtomOutcome[]> {
    const { connection, dialect } = this.#database;
    return this.#guard(() => modifyRows(connection, dialect, { namespace, keys, decide, commit }));
  }

  clear(namespace: string, commit: Commit): Promise<void> {
    const { connection, dialect } = this.#database;
    return this.#guard(() => removeAll(connection, dialect, namespace, commit));
  }

  clearRange(namespace: string, range: KeyRange, commit: Commit): Promise<number> {
    const { connection, dialect } = this.#database;
    return this.#guard(() => removeRange(connection, dialect, { namespace, range, commit }));
  }

  purgeExpired(namespace: string, now: number): Promise<number> {
    return this.#guard(() => this.#database.connection.write([this.#database.dialect.purge(namespace, now)]));
  }

  heads(): Promise<readonly LogHead[]> {
    return this.#guard(() => this.#database.connection.read((runner) => this.#logRows.heads(runner)));
  }

  instances(): Promise<readonly LoggedInstance[]> {
    return this.#guard(() => this.#database.connection.read((runner) => this.#logRows.instances(runner)));
  }

  notesSince(positions: readonly LogPosition[], limit: number): Promise<readonly LogNote[]> {
    return this.#guard(() =>
      this.#database.connection.read((runner) => this.#logRows.notesSince(runner, positions, limit)),
    );
  }

  trimLog(upTo: LogPosition): Promise<void> {
    return this.#guard(() => this.#logRows.trim(upTo));
  }

  classify(error: unknown): StorageFailure {
    return error instanceof DatabaseError ? error.failure : 'transient';
  }

  isUndone(error: unknown): boolean {
    return error instanceof DatabaseError && error.isUndone;
  }

  describe(): string {
    return this.#database.description;
  }

  get #logRows(): LogRows {
    const { connection, dialect } = this.#database;
    if (dialect.log !== undefined) return new LogRows(this.#dataSource, connection, dialect.log);
    throw new CacheError(
      'UNSUPPORTED_STORAGE',
      `Several instances can't share ${this.describe()}: they share SQLite, PostgreSQL, MySQL and MariaDB. Set instances: 'one'.`,
    );
  }

  /** What knows the instances: their rows alone where nobody is kept out, and beside others on a file, whose lock says nothing of each. */
  get #claims(): Pick<Claims, 'beat' | 'leave' | 'remove'> {
    const { claims, hasChanged } = this.#database;
    const isBesideOnFile = this.#mode === 'many' && hasChanged !== undefined;
    return claims === undefined || !this.keepsOthersOut || isBesideOnFile ? this.#logRows : claims;
  }

  async #prepareLog(): Promise<void> {
    const { connection, assertRights } = this.#database;
    const options = { description: this.describe(), hasRights: assertRights !== undefined };
    await connection.alone((runner) => assertLogTables(runner, options));
    await this.#logRows.prepare();
  }

  async hasTable(): Promise<boolean> {
    const isReady = await this.#readExactly(async (_rows, runner) => {
      if (!(await hasCacheTable(runner))) return false;
      return (await missingColumns(runner)).length === 0 ? true : undefined;
    });
    if (isReady !== undefined) return isReady;
    throw new CacheError(
      'UNSUPPORTED_STORAGE',
      `The cache's table in ${this.describe()} is of an earlier version. Start the application on it once, which ` +
        "migrates it, or run the cache's migrations.",
    );
  }

  async #names(): Promise<NamespaceNames> {
    if (!(await this.hasTable())) return { names: [], stray: [] };
    return this.#readExactly((rows, runner) => rows.names(runner));
  }

  #readExactly<T>(task: (rows: ExactRows, runner: QueryRunner) => Promise<T>): Promise<T> {
    return this.#guard(() =>
      this.#database.connection.read((runner) => task(this.#database.exactRows, runner)),
    );
  }

  #read<T>(task: (dialect: Dialect, runner: QueryRunner) => Promise<T>): Promise<T> {
    return this.#guard(() =>
      this.#database.connection.read((runner) => task(this.#database.dialect, runner)),
    );
  }

  async #guard<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      if (error instanceof Undecided) throw error.cause;
      if (isCacheError(error)) throw error;
      throw this.#databaseError(error);
    }
  }

  /** What may leave this class: TypeORM's errors carry values, and the drivers' may carry statements. */
  #databaseError(error: unknown): DatabaseError {
    const driverError = driverErrorOf(error);
    // The data is as good as before, and another instance may write it.
    if (error instanceof UnknownWriter)
      return new DatabaseError(error.message, UNKNOWN_WRITER, 'transient', true);
    if (error instanceof LastNoteMissing)
      return new DatabaseError(error.message, WENT_BACK, 'transient', true);
    // Text longer than a string can be: whatever else there is, this entry will not become shorter.
    const refused = error instanceof RangeError || this.#database.dialect.refusesData(driverError);
    const failure = refused ? 'permanent' : 'transient';
    return new DatabaseError(withoutQuotes(driverError.message), driverError.code, failure, undone(error));
  }

  async #prepare(runner: QueryRunner, unhurried: Unhurried): Promise<void> {
    if (this.#readsOnly) {
      this.#identity = await storedIdentity(runner);
      return;
    }
    const { dialect, assertRights } = this.#database;
    const migrationsRun = this.#migrationsRun;
    await prepareSchema(runner, {
      dataSource: this.#dataSource,
      dialect,
      assertRights,
      migrationsRun,
      unhurried,
      description: this.describe(),
      reached: (step) => {
        this.#step = step;
      },
    });
    this.#identity = await readIdentity(runner, { dialect, migrationsRun });
    if (this.#database.claims !== undefined)
      this.#hasInstances = await readyInstanceTables(runner, { dialect, migrationsRun });
    this.#isPrepared = true;
  }

  #openFailed(error: unknown): CacheError {
    const cause = this.#databaseError(error);
    const { code, message } = cause;
    const reason = [code, message].filter(Boolean).join(', ');
    const sentence = /[.…]$/.test(reason) ? reason : `${reason}.`;
    return new CacheError(
      'STORAGE_OPEN_FAILED',
      `The cache could not open its database (${this.describe()}): ${sentence} ${remedyFor(code, driverErrorOf(error).message, this.#step)}`,
      { cause },
    );
  }
}

/** What gives rows that a transaction has written the times at which they were written once: nobody else has them now. */
function* storedAgain(
  exactRows: ExactRows,
  written: readonly TimedWrite[],
  { stamp }: Commit,
): Generator<Statement> {
  const byNamespace = new Map<string, ExactRow[]>();
  for (const { namespace, key, value, expiresAt, writtenAt } of written) {
    if (value === undefined) continue;
    const rows = byNamespace.get(namespace) ?? [];
    byNamespace.set(namespace, rows);
    rows.push({ key, value, expiresAt, writtenAt });
  }
  for (const [namespace, rows] of byNamespace) yield* exactRows.store(namespace, rows, stamp);
}
