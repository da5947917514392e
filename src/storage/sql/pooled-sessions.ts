import type { QueryRunner } from 'typeorm';
import { CacheError } from '../../core/cache-error.js';

/**
 * Whether connections are not sessions: a pooler may lend one to each for the time of a transaction. `use` gives another
 * connection than that of `runner`.
 */
export async function sharesSessions(
  runner: QueryRunner,
  identify: (runner: QueryRunner) => Promise<number>,
  use: (task: (other: QueryRunner) => Promise<boolean>) => Promise<boolean>,
): Promise<boolean> {
  const before = await identify(runner);
  // The other one takes a session for as long as this one is asked again: of those free, the one used last.
  return use(async (other) => {
    await other.startTransaction();
    const taken = await identify(other);
    const after = await identify(runner);
    await other.rollbackTransaction();
    return taken === before || after !== before;
  });
}

export function sharedSessionsError(): CacheError {
  return new CacheError(
    'UNSUPPORTED_STORAGE',
    "A pooler in front of the server lends the cache's connections a session for one transaction at a time. The cache needs " +
      'sessions of its own: connect to the server itself, or to a pool in session mode (PgBouncer: pool_mode = session).',
    { option: 'storage' },
  );
}
