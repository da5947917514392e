import type { QueryRunner } from 'typeorm';
import { isTaken } from '../../../migrations/free-name.js';
import { CHANGES_TABLE, INSTANCES_TABLE } from '../../../migrations/instance-tables.js';
import { CacheError } from '../../core/cache-error.js';
import { driverErrorOf } from '../driver-error.js';
import { assertRightsOn, type AskedTable } from './table-rights.js';

const TABLES = `${INSTANCES_TABLE} and ${CHANGES_TABLE}`;
const GRANT = `grant the user SELECT, INSERT, UPDATE and DELETE on ${TABLES}`;

const ASKED: readonly AskedTable[] = [
  {
    name: INSTANCES_TABLE,
    columns: ['writer', 'mode', 'session', 'about', 'beat'],
    key: ['writer'],
    changed: 'beat',
  },
  { name: CHANGES_TABLE, columns: ['writer', 'n', 'changes'], key: ['writer', 'n'], changed: 'changes' },
];

/** SQLSTATEs and codes of a right that is missing. */
const NO_RIGHT = new Set(['42501', 'ER_TABLEACCESS_DENIED_ERROR', 'ER_COLUMNACCESS_DENIED_ERROR']);

/**
 * Rejects with the remedy where the tables that several instances need are not there, as where the app runs the migrations and has
 * not run the one that makes them, or where the user may not read and write them.
 */
export async function assertLogTables(
  runner: QueryRunner,
  { description, hasRights }: { readonly description: string; readonly hasRights: boolean },
): Promise<void> {
  if (!(await isTaken(runner, CHANGES_TABLE)))
    throw new CacheError(
      'STORAGE_OPEN_FAILED',
      `There are no tables ${TABLES}, or the user may not see them (${description}): several instances need them. Run the migration ` +
        `CreateCacheInstances of cacheMigrations, or set migrationsRun to true, and ${GRANT}. An application of one process takes instances: 'one'.`,
    );
  if (!hasRights) return;
  try {
    await assertRightsOn(runner, ASKED);
  } catch (error) {
    const { code = '' } = driverErrorOf(error);
    if (!NO_RIGHT.has(code)) throw error;
    throw new CacheError(
      'STORAGE_OPEN_FAILED',
      `The user may not read and write ${TABLES} (${description}, ${code}): several instances need them; ${GRANT}.`,
    );
  }
}
