import type { Command } from 'commander';
import type { CommandIo } from './command-io.js';
import { UsageError } from './usage-error.js';

/** Names the database where no option does. */
const DATABASE_VARIABLE = 'NESTJS_DURABLE_CACHE_DATABASE';

export interface DatabaseOption {
  readonly database?: string;
}

/** Adds the option that says where the cache is. */
export function takesDatabase(command: Command): Command {
  return command.option(
    '--database <database>',
    `where the cache is; default: what ${DATABASE_VARIABLE} names`,
  );
}

/** The address that was given. Throws where there is none. */
export function databaseOf({ database }: DatabaseOption, { env }: CommandIo): string {
  const address = database ?? env[DATABASE_VARIABLE];
  if (!address) throw new UsageError(`--database is missing, and ${DATABASE_VARIABLE} is not set`);
  return address;
}

/** For options that may be given several times. */
export function gathered(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
