import type { QueryRunner } from 'typeorm';
import {
  hasInstanceTables,
  INSTANCES_TABLE,
  makeInstanceTables,
} from '../../../migrations/instance-tables.js';
import type { IdentityOptions } from './identity.js';

/** Whether there is a place for the instances of the database: it is made anew where it was removed, and is the cache's to make. */
export async function readyInstanceTables(
  runner: QueryRunner,
  { dialect, migrationsRun }: IdentityOptions,
): Promise<boolean> {
  if (await hasInstanceTables(runner)) return true;
  if (!migrationsRun) return false;
  await dialect.migrating(runner, () => makeInstanceTables(runner));
  return hasInstanceTables(runner);
}

/** What a start warns of where there is none. */
export function noInstances(description: string): string {
  return (
    `There is no table ${INSTANCES_TABLE}, or the user may not see it (${description}): the cache can't make sure that no other ` +
    'process uses its table. Run the migration CreateCacheInstances of cacheMigrations, or set migrationsRun to true, and grant the ' +
    'user SELECT, INSERT, UPDATE and DELETE on the table. Until then, see to it that one process uses the database.'
  );
}
