import { MigrationExecutor, type DataSource, type QueryRunner } from 'typeorm';
import { adoptTable } from '../../migrations/adopt-table.js';
import { hasCacheTable, hasColumn } from '../../migrations/database-family.js';
import { CACHE_MIGRATIONS_TABLE } from '../../migrations/index.js';
import { CacheError } from '../core/cache-error.js';
import { CACHE_TABLE } from './cache-storage.entity.js';
import type { OpenStep } from './open-remedies.js';
import type { Unhurried } from './sql/connection.js';
import type { Dialect } from './sql/dialect.js';
import type { TableFault } from './sql/table-fault.js';

export interface SchemaOptions {
  readonly dataSource: DataSource;
  readonly dialect: Dialect;
  /** Rejects where the user may not read and write the table. */
  readonly assertRights: ((runner: QueryRunner) => Promise<void>) | undefined;
  /** Whether the cache runs the migrations, or the app. */
  readonly migrationsRun: boolean;
  /** Runs them. */
  readonly unhurried: Unhurried;
  /** Of the database, for messages. */
  readonly description: string;
  /** Called at each step. */
  readonly reached: (step: OpenStep) => void;
}

/** Brings the table to where the cache can work with it, whoever made it, or rejects with what is wrong and how to mend it. */
export async function prepareSchema(runner: QueryRunner, options: SchemaOptions): Promise<void> {
  const { dialect, migrationsRun, unhurried, description, assertRights, reached } = options;
  reached('using');
  if (!migrationsRun) await assertMigrated(runner, description);
  const isPending = migrationsRun && !(await isMigrated(runner, options));
  const faults = isPending ? [] : await dialect.tableFaults(runner, migrationsRun ? 'migrated' : 'given');
  if (isPending || (migrationsRun && mayBeMended(faults))) {
    reached('migrating');
    await unhurried(() => migrate(runner, options));
    reached('using');
  } else {
    refuse(faults, description);
  }
  await assertRights?.(runner);
}

/** Columns that came with a later migration than the table. */
const LATER_COLUMNS = ['expires_at', 'version'];

/** Those that the table lacks. Asks by name: SQLite takes the name of a missing column for a text. */
export async function missingColumns(runner: QueryRunner): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const column of LATER_COLUMNS) if (!(await hasColumn(runner, column))) missing.push(column);
  return missing;
}

/**
 * Under a lock. The table is looked at before the transaction ends, where the database has one for this: one that is refused
 * stays as it was.
 */
async function migrate(
  runner: QueryRunner,
  { dataSource, dialect, description }: SchemaOptions,
): Promise<void> {
  let left: readonly TableFault[] = [];
  try {
    await dialect.migrating(runner, async () => {
      const before = await dialect.tableFaults(runner, 'unmigrated');
      refuse(
        before.filter(({ isUntouchable }) => isUntouchable),
        description,
      );
      const executor = new MigrationExecutor(dataSource, runner);
      // The dialect has put it into a transaction, where the database can.
      executor.transaction = 'none';
      await executor.executePendingMigrations();
      left = await dialect.tableFaults(runner, 'migrated');
      // The first migration of an earlier version mended less, or somebody changed the table since.
      if (mayBeMended(left)) {
        await adoptTable(runner);
        left = await dialect.tableFaults(runner, 'migrated');
      }
      refuse(left, description);
    });
  } catch (error) {
    if (left.length === 0) throw error;
    // The statements are for the table as it is now, which may be without what the migrations gave it.
    const now = await dialect.tableFaults(runner, 'migrated');
    refuse(
      now.filter(({ what }) => left.some((fault) => fault.what === what)),
      description,
    );
    throw error;
  }
}

function mayBeMended(faults: readonly TableFault[]): boolean {
  return (
    faults.length > 0 &&
    faults.every(({ isUntouchable, isBeyondAdopting }) => isUntouchable !== true && isBeyondAdopting !== true)
  );
}

function refuse(faults: readonly TableFault[], description: string): void {
  if (faults.length === 0) return;
  const what = faults.flatMap((fault) => [fault.what, fault.examples ?? []].flat()).join('; ');
  // What one remedy does another need not do again.
  const remedies = [...new Set(faults.flatMap(({ remedy }) => remedy.split('\n')))].join('\n');
  const notes = [...new Set(faults.map(({ note }) => note ?? ''))].filter((note) => note !== '');
  throw new CacheError(
    'UNSUPPORTED_STORAGE',
    `The cache can't work with the table ${CACHE_TABLE} (${description}): ${what}. ` +
      `${['No row was changed.', ...notes, 'Back the table up, run this, and start again:'].join(' ')}\n${remedies}`,
    { option: 'storage' },
  );
}

async function assertMigrated(runner: QueryRunner, description: string): Promise<void> {
  const missing = (await hasCacheTable(runner)) ? await missingColumns(runner) : undefined;
  if (missing?.length === 0) return;
  const reason =
    missing === undefined
      ? `There is no table ${CACHE_TABLE}, or the user may not see it (${description}): `
      : `The table ${CACHE_TABLE} lacks ${missing.join(' and ')}, or the user may not see them (${description}): ` +
        'new migrations of this package have to be run; ';
  throw new CacheError(
    'STORAGE_OPEN_FAILED',
    `${reason}set migrationsRun to true, or run cacheMigrations before, and grant the user rights on the table.`,
  );
}

async function isMigrated(runner: QueryRunner, { dataSource }: SchemaOptions): Promise<boolean> {
  if (!(await runner.hasTable(CACHE_MIGRATIONS_TABLE))) return false;
  const executor = new MigrationExecutor(dataSource, runner);
  return (await executor.getPendingMigrations()).length === 0;
}
