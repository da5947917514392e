import type { QueryRunner } from 'typeorm';
import {
  hasIdentityTable,
  IDENTITY_TABLE,
  makeIdentity,
  storedIdentity,
} from '../../../migrations/identity-table.js';
import type { Dialect } from './dialect.js';

export interface IdentityOptions {
  readonly dialect: Pick<Dialect, 'migrating'>;
  /** Whether the cache runs the migrations, and so makes the table where somebody has dropped it. */
  readonly migrationsRun: boolean;
}

/**
 * The random identity of the database, which is made anew where it was removed; `undefined` where its table is not the
 * cache's to make and missing.
 */
export async function readIdentity(
  runner: QueryRunner,
  { dialect, migrationsRun }: IdentityOptions,
): Promise<string | undefined> {
  const stored = await storedIdentity(runner);
  if (stored !== undefined || (!migrationsRun && !(await hasIdentityTable(runner)))) return stored;
  await dialect.migrating(runner, () => makeIdentity(runner));
  return storedIdentity(runner);
}

/** What a start warns of where {@link readIdentity} finds none. */
export function noIdentity(description: string): string {
  return (
    `There is no table ${IDENTITY_TABLE}, or the user may not see it (${description}): the rescue journals of this database ` +
    'name none, so another one that finds them would replay them. Run the migration CreateCacheIdentity of cacheMigrations, ' +
    'or set migrationsRun to true, and grant the user SELECT on the table.'
  );
}
