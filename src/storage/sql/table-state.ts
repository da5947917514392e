import type { DataSource, QueryRunner } from 'typeorm';
import { hasCacheTable, hasColumn, quotedTable } from '../../../migrations/database-family.js';
import { CACHE_MIGRATIONS_TABLE, cacheMigrations } from '../../../migrations/index.js';
import { CHANGES_TABLE, hasInstanceTables } from '../../../migrations/instance-tables.js';
import { nameIn, readAbout } from '../../core/sharing/about-process.js';
import type { KnownInstance, StorageState } from '../storage-state.js';
import { query } from './execute.js';
import { hasStopped, InstanceRows, instancesIn, type InstanceRow } from './instance-rows.js';

/** What a kind of database knows of itself. */
export interface StateQueries {
  /** Bytes on disk of the tables of the cache, their indexes included. */
  bytesOnDisk(runner: QueryRunner): Promise<number>;
  /** Those of the sessions of instances that are over for sure; without it nobody can tell. */
  gone?(runner: QueryRunner, sessions: readonly string[]): Promise<ReadonlySet<string>>;
  /** When a session of an instance began, wall-clock ms. */
  sinceOf?(session: string): number | undefined;
}

/** How the table is, and what is beside it; changes nothing there. */
export async function tableState(
  runner: QueryRunner,
  dataSource: DataSource,
  queries: StateQueries | undefined,
): Promise<StorageState> {
  const hasRows = await hasCacheTable(runner);
  const hasLog = await hasInstanceTables(runner);
  return {
    migrations: await migrationsOf(runner, dataSource),
    instances: hasLog ? await instancesOf(runner, dataSource, queries) : [],
    log: hasLog ? await logOf(runner, dataSource) : undefined,
    unstamped: hasRows && (await hasColumn(runner, 'version')) ? await unstampedOf(runner, dataSource) : 0,
    bytesOnDisk: hasRows ? await queries?.bytesOnDisk(runner) : undefined,
  };
}

async function migrationsOf(
  runner: QueryRunner,
  dataSource: DataSource,
): Promise<StorageState['migrations']> {
  const all = cacheMigrations.map(({ name }) => name);
  if (!(await runner.hasTable(CACHE_MIGRATIONS_TABLE))) return { done: [], pending: all };
  const name = dataSource.driver.escape('name');
  const sql = `SELECT ${name} AS ${name} FROM ${quotedTable(dataSource, CACHE_MIGRATIONS_TABLE)}`;
  const found = (await query(runner, { sql, parameters: [] })) as { name: string }[];
  const done = new Set(found.map((row) => row.name));
  return { done: all.filter((one) => done.has(one)), pending: all.filter((one) => !done.has(one)) };
}

async function instancesOf(
  runner: QueryRunner,
  dataSource: DataSource,
  queries: StateQueries | undefined,
): Promise<KnownInstance[]> {
  const rows = instancesIn(await query(runner, new InstanceRows(dataSource).all()));
  const sessions = rows.filter((row) => !hasStopped(row)).map(({ session }) => session);
  const gone = sessions.length === 0 ? undefined : await queries?.gone?.(runner, sessions);
  const heads = await headsOf(runner, dataSource);
  return rows.map((row) => ({
    writer: row.writer,
    mode: row.mode,
    about: nameIn(row.about),
    state: stateOf(row, gone),
    beat: row.beat,
    head: heads.get(row.writer) ?? 0,
    since: readAbout(row.about).since ?? queries?.sinceOf?.(row.session),
  }));
}

function stateOf(row: InstanceRow, gone: ReadonlySet<string> | undefined): KnownInstance['state'] {
  if (hasStopped(row)) return 'stopped';
  if (gone === undefined) return 'unknown';
  return gone.has(row.session) ? 'gone' : 'running';
}

async function headsOf(runner: QueryRunner, dataSource: DataSource): Promise<ReadonlyMap<number, number>> {
  const sql = `SELECT writer, MAX(n) AS head FROM ${quotedTable(dataSource, CHANGES_TABLE)} GROUP BY writer`;
  const found = (await query(runner, { sql, parameters: [] })) as Record<'writer' | 'head', unknown>[];
  return new Map(found.map(({ writer, head }) => [Number(writer), Number(head)]));
}

async function logOf(runner: QueryRunner, dataSource: DataSource): Promise<StorageState['log']> {
  // Characters on some databases: keys are ASCII as a rule, and this is a figure for people.
  const sql = `SELECT COUNT(*) AS notes, SUM(LENGTH(changes)) AS bytes FROM ${quotedTable(dataSource, CHANGES_TABLE)}`;
  const [found] = (await query(runner, { sql, parameters: [] })) as Record<'notes' | 'bytes', unknown>[];
  return { notes: Number(found?.notes ?? 0), bytes: Number(found?.bytes ?? 0) };
}

async function unstampedOf(runner: QueryRunner, dataSource: DataSource): Promise<number> {
  const sql = `SELECT COUNT(*) AS found FROM ${quotedTable(dataSource)} WHERE version = 0`;
  const [counted] = (await query(runner, { sql, parameters: [] })) as { found: unknown }[];
  return Number(counted?.found ?? 0);
}
