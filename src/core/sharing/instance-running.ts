import { CacheError } from '../cache-error.js';
import { listed } from '../listed.js';
import { nameIn } from './about-process.js';
import type { InstanceMode, Rival } from './shared-storage.js';

/** How to have several processes, or none that is too many. */
const APART =
  "To let several processes work on one table, set instances: 'many' in each of them; to keep them apart, give each a schema, a " +
  'database or a file of its own.';

/** Where tests run, which open many applications and may close few. */
function testRemedy(): string {
  const { env } = process;
  if (env['JEST_WORKER_ID'] === undefined && env['VITEST'] === undefined) return '';
  return ' A test that needs no database imports CacheTestingModule from nestjs-durable-cache/testing, which keeps the rows in memory.';
}

/** Whose the claims are: `host, process 42 (instances: 'one')`. */
export function shownRivals(rivals: readonly Rival[]): string {
  return listed(
    rivals.map(({ about, mode }) => `${nameIn(about)} (instances: '${mode}')`),
    3,
  );
}

/** What a start says as soon as it waits, and an instance that others have taken for dead. */
export function waitingLine(place: string, rivals: readonly Rival[], waitMs: number): string {
  return (
    `The cache waits for another process to let go of its database (${place}): ${shownRivals(rivals)}. It goes on as soon as that ` +
    `has ended, and gives up with INSTANCE_RUNNING after ${waitMs / 1000} s.`
  );
}

/** What somebody is told who has waited in vain for others to end. */
export type Refusal = (
  place: string,
  mode: InstanceMode,
  rivals: readonly Rival[],
  waitMs: number,
) => CacheError;

/** What a start is told. */
export const runningError: Refusal = (place, mode, rivals, waitMs) => {
  return new CacheError(
    'INSTANCE_RUNNING',
    `Another process uses the database of the cache (${place}), and has not let go of it for ${waitMs / 1000} s: ` +
      `${shownRivals(rivals)}. This process was started with instances: '${mode}'. Stop the other one first ` +
      `(Kubernetes: strategy Recreate). ${APART}${testRemedy()}`,
  );
};

/** The other one is an application of this very process. */
export function notClosedError(place: string): CacheError {
  return new CacheError(
    'INSTANCE_RUNNING',
    `This process uses the database of the cache already (${place}): an application that was started before has not been closed. ` +
      'Close it, and await that (app.close(), in tests too), before the next one starts. One whose start has failed in another module ' +
      `keeps it, too: until it is closed, or until the process ends where Nest gave no application to close. ${APART}${testRemedy()}`,
  );
}

/** Others have taken this process for dead. */
export function takenOverError(place: string): CacheError {
  return new CacheError(
    'INSTANCE_RUNNING',
    `Another process has taken the database of the cache over (${place}), since this one was suspended or cut off from it for too ` +
      `long: this one writes no more, and its memory may be out of date. Restart it when the other one has ended. ${APART}`,
  );
}
