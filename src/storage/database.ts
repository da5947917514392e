import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DataSource, DataSourceOptions, QueryRunner } from 'typeorm';
import { quotedTable } from '../../migrations/database-family.js';
import { CHANGES_TABLE } from '../../migrations/instance-tables.js';
import type { BackplaneConnect } from '../core/sharing/backplane-link.js';
import { earlierJournalPathOf, journalPathOf } from './address/journal-path.js';
import { describeAddress, serverAddressOf } from './address/server-address.js';
import type { Place } from './listed-storage.js';
import type { Claims } from './sql/claims.js';
import type { Connection } from './sql/connection.js';
import { ConnectionPool } from './sql/connection-pool.js';
import { query } from './sql/execute.js';
import { ServerClaims } from './sql/server-claims.js';
import { FileTurns } from './sql/file-turns.js';
import { DataVersion } from './sqlite/data-version.js';
import { StrangerWatch } from './sqlite/stranger-watch.js';
import { FileClaims } from './sqlite/file-claims.js';
import { KeptStatements } from './sqlite/kept-statements.js';
import { DirectStatements } from './sqlite/direct-statements.js';
import { mysqlClaimSessions } from './mysql/claim-sessions.js';
import { mysqlState } from './mysql/state.js';
import { MysqlSessions } from './mysql/sessions.js';
import { plainSessions } from './portable/sessions.js';
import { postgresClaimSessions } from './postgres/claim-sessions.js';
import { messageLinks } from './postgres/message-link.js';
import { postgresState } from './postgres/state.js';
import { postgresSessions } from './postgres/sessions.js';
import { SingleConnection } from './sql/single-connection.js';
import { prepareSqlite } from './sqlite/settings.js';
import type { Dialect } from './sql/dialect.js';
import type { ExactRows } from './sql/exact-rows.js';
import { MysqlDialect } from './mysql/dialect.js';
import { MysqlLog } from './mysql/commit-log.js';
import { MysqlExactRows } from './mysql/exact-rows.js';
import { placeOnMysql } from './mysql/place.js';
import { PortableDialect } from './portable/dialect.js';
import { PortableExactRows } from './portable/exact-rows.js';
import { PostgresLog } from './postgres/commit-log.js';
import { PostgresDialect } from './postgres/dialect.js';
import { PostgresExactRows } from './postgres/exact-rows.js';
import { placeOnPostgres } from './postgres/place.js';
import { SqliteDialect, type SqliteSynchronous } from './sqlite/dialect.js';
import { assertRights } from './sql/table-rights.js';
import { SqliteExactRows } from './sqlite/exact-rows.js';
import { sqliteState } from './sqlite/state.js';
import type { RowQuery } from './sql/statement.js';
import type { StateQueries } from './sql/table-state.js';
import { poolSizeOf, queryTimeoutOf } from './sql/server-options.js';
import { FileIdentity, isEphemeral, prepareSqliteFile } from './sqlite/file.js';
import { noteOpenFile } from './sqlite/open-files.js';

/** Databases inside the process, to which TypeORM has one connection. */
const EMBEDDED: ReadonlySet<string> = new Set(['sqljs', 'expo', 'capacitor', 'cordova', 'nativescript']);

/** A kind of database: how to reach it, and how to speak to it. */
export interface Database {
  readonly connection: Connection;
  readonly dialect: Dialect;
  readonly exactRows: ExactRows;
  readonly place: (runner: QueryRunner) => Promise<Place>;
  /** What the database knows of itself; `undefined` where that is nothing that is asked for. */
  readonly state?: StateQueries | undefined;
  /** For logs: no credentials. */
  readonly description: string;
  readonly rescuePath: string | undefined;
  /** Where an earlier version put it. */
  readonly earlierRescuePath?: string;
  /** Who works on it; `undefined` where this process alone can, or nobody can tell. */
  readonly claims?: Claims | undefined;
  /** Runs before the connection is opened. */
  readonly prepare?: () => Promise<void>;
  /** Runs when everything is ready. */
  readonly opened?: () => void;
  /** Runs when nothing of it is open any more. */
  readonly closed?: () => void;
  /** Whether others may have committed since it was asked last, where there is a cheap question for that. */
  readonly hasChanged?: (runner: QueryRunner) => Promise<boolean>;
  /** Makes connections for messages, where the database carries them. */
  readonly connectMessages?: BackplaneConnect;
  /** Rejects where the user may not read and write the table. */
  readonly assertRights?: (runner: QueryRunner) => Promise<void>;
}

export interface DatabaseOptions {
  /** The storage's options as they were given. */
  readonly given: DataSourceOptions;
  /** Whether the database is the cache's alone. */
  readonly isOwn: boolean;
  readonly synchronous: SqliteSynchronous;
  /** Another dialect than that of the type. */
  readonly dialect: ((dataSource: DataSource) => Dialect) | undefined;
}

/** The kind of database that `dataSource` connects to. */
export function databaseOf(dataSource: DataSource, options: DatabaseOptions): Database {
  const { type } = dataSource.options;
  if (type === 'sqlite' || type === 'better-sqlite3') return sqlite(dataSource, options);
  if (EMBEDDED.has(type)) return embedded(dataSource);
  const address = serverAddressOf(dataSource.options);
  const { username } = dataSource.options as { username?: string };
  const common = {
    description: `${type} ${describeAddress(address)}`,
    rescuePath: journalPathOf(type, address, username),
    earlierRescuePath: earlierJournalPathOf(address),
  };
  const pool = { size: poolSizeOf(dataSource.options), timeoutMs: queryTimeoutOf(options.given) };
  const other = options.dialect?.(dataSource);
  if (type === 'postgres') {
    const table = (): string => quotedTable(dataSource);
    const connection = new ConnectionPool(dataSource, postgresSessions, pool);
    return {
      ...common,
      dialect:
        other ?? new PostgresDialect(table, new PostgresLog(() => quotedTable(dataSource, CHANGES_TABLE))),
      exactRows: new PostgresExactRows(table),
      place: (runner) => placeOnPostgres(runner, table()),
      state: postgresState(dataSource),
      connection,
      claims: new ServerClaims(dataSource, connection, postgresClaimSessions),
      connectMessages: messageLinks(dataSource),
      assertRights,
    };
  }
  if (type === 'mysql' || type === 'mariadb') {
    const sessions = new MysqlSessions();
    const maxPacket = (): number => sessions.maxPacket;
    const connection = new ConnectionPool(dataSource, sessions, pool);
    const log = new MysqlLog({ maxPacket, takesBlocks: () => sessions.takesBlocks });
    return {
      ...common,
      dialect: other ?? new MysqlDialect(maxPacket, log),
      exactRows: new MysqlExactRows(maxPacket),
      place: placeOnMysql,
      state: mysqlState,
      connection,
      claims: new ServerClaims(dataSource, connection, mysqlClaimSessions),
      assertRights,
    };
  }
  const dialect = new PortableDialect(dataSource);
  return {
    ...common,
    dialect,
    exactRows: new PortableExactRows(dataSource),
    // As it was addressed: there is no question that all of them understand.
    place: async () => placeOf(`${common.description} ${quotedTable(dataSource)}`),
    connection: new ConnectionPool(dataSource, plainSessions, pool),
  };
}

function embedded(dataSource: DataSource): Database {
  const dialect = new PortableDialect(dataSource);
  const { type, location, database } = dataSource.options as {
    type: string;
    location?: unknown;
    database?: unknown;
  };
  const path = [location, database].find((given) => typeof given === 'string' && given !== '');
  const description = `${type} ${typeof path === 'string' ? path : 'in memory'}`;
  return {
    dialect,
    exactRows: new PortableExactRows(dataSource),
    place: async () => placeOf(`${description} ${quotedTable(dataSource)}`),
    connection: new SingleConnection(dataSource, { begin: 'BEGIN' }),
    description,
    rescuePath: typeof path === 'string' ? `${path}.rescue.ndjson` : undefined,
  };
}

function sqlite(dataSource: DataSource, { isOwn, synchronous, dialect }: DatabaseOptions): Database {
  const driver = dataSource.options.type as 'sqlite' | 'better-sqlite3';
  const { database } = dataSource.options as { database: string };
  const inMemory = isEphemeral(database);
  let file: FileIdentity | undefined;
  let noted: (() => void) | undefined;
  const kept = driver === 'sqlite' ? new KeptStatements() : undefined;
  const direct = kept === undefined ? new DirectStatements() : undefined;
  // What the app has in its own file it may change.
  const strangers = isOwn && !inMemory ? new StrangerWatch(dataSource, kept) : undefined;
  const rowsOf: RowQuery = (runner, statement) =>
    (kept ?? direct)?.query(runner, statement) ?? query(runner, statement);
  const turns = new FileTurns();
  const version = new DataVersion(rowsOf, () => turns.noticed());
  const connection = new SingleConnection(dataSource, {
    begin: 'BEGIN IMMEDIATE',
    turns,
    prepare: (runner) => prepareSqlite(runner, { synchronous, ownsFile: isOwn }),
    // What a file that is gone holds is not durable: neither what is committed to it, nor what is read from it.
    assertSame: () => file?.assertSame(),
    ...(strangers === undefined ? {} : { beforeWrite: (runner) => strangers.look(runner) }),
    ...(kept === undefined ? {} : { kept }),
    ...(direct === undefined ? {} : { direct }),
  });
  return {
    hasChanged: (runner) => version.hasChanged(runner),
    dialect: dialect?.(dataSource) ?? new SqliteDialect(kept === undefined, rowsOf),
    exactRows: new SqliteExactRows(),
    state: inMemory ? undefined : sqliteState(database),
    place: async () => placeOf(inMemory ? 'memory' : `file ${fileIdentity(database)}`),
    connection,
    claims: inMemory ? undefined : new FileClaims(dataSource, connection, strangers),
    description: `${driver} ${inMemory ? 'in memory' : resolve(database)}`,
    rescuePath: inMemory ? undefined : `${database}.rescue.ndjson`,
    prepare: async () => {
      if (inMemory) return;
      await prepareSqliteFile(database);
      const path = resolve(database);
      noted ??= noteOpenFile({ identity: fileIdentity(database), path, library: driver });
    },
    opened: () => {
      if (!inMemory) file = new FileIdentity(resolve(database));
    },
    closed: () => {
      noted?.();
      noted = undefined;
    },
  };
}

function placeOf(identity: string): Place {
  return { identity, caches: 0, others: 0 };
}

/** The same for every path that leads to the file. */
function fileIdentity(database: string): string {
  const { dev, ino } = statSync(database, { bigint: true });
  return `${dev}:${ino}`;
}
