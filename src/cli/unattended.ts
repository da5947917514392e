import { CacheError } from '../core/cache-error.js';
import { RescueFile } from '../storage/rescue-file.js';
import type { Place } from '../storage/listed-storage.js';
import type { TypeOrmStorage } from '../storage/typeorm-storage.js';
import { printable } from './printable.js';
import type { ProgressStream } from './progress.js';

/**
 * Only a start of the application replays a journal: that of the source holds what is newer than its rows, and that of the
 * target would go over what was copied.
 */
export function refuseJournal(
  option: 'from' | 'to' | 'journal',
  path: string | undefined,
  earlierPath?: string,
): void {
  const [left] = path === undefined ? [] : new RescueFile(path, false, earlierPath).files();
  if (left === undefined) return;
  throw new CacheError(
    'INVALID_OPTION',
    `--${option} has a rescue journal that has not been replayed: ${left}. Start the application on it once, stop it, and ` +
      "copy then. If it is still there, it is another database's ('journal show' says so): move it away.",
    { option },
  );
}

/** Says that a journal waits for the next start of an application, which makes its writes where rows are as they were. */
export function warnOfJournal(storage: TypeOrmStorage, stderr: ProgressStream): void {
  const { rescuePath, earlierRescuePath } = storage;
  const [left] = rescuePath === undefined ? [] : new RescueFile(rescuePath, false, earlierRescuePath).files();
  if (left === undefined) return;
  const line =
    `A rescue journal has not been replayed (${left}): the next start of the application makes its writes, but for those of rows ` +
    'that have changed since.';
  stderr.write(`${printable(line)}\n`);
}

/**
 * The same for the open source, by the instances that the table knows: sessions have no names on every database, and an application may
 * give its own another one.
 */
export async function refuseInstances(
  source: TypeOrmStorage,
  { dryRun }: { readonly dryRun: boolean },
): Promise<string | undefined> {
  const { instances } = await source.state();
  const running = instances.find(({ state }) => state === 'running');
  if (running === undefined) return undefined;
  return inTheWay(
    'from',
    `An application works on --from (${running.about})`,
    'To copy all the same, add --ignore-running.',
    dryRun,
  );
}

/** Throws, or returns the warning of a dry run. */
function inTheWay(option: 'from' | 'to', seen: string, escape: string, dryRun: boolean): string {
  if (dryRun) return `${seen}: stop it before the copy itself.`;
  throw new CacheError(
    'INSTANCE_RUNNING',
    `${seen}: what it writes during the copy would be missing or lost. Stop it, and copy then. ${escape}`,
    { option },
  );
}

/**
 * Throws `INSTANCE_RUNNING` where an application is seen to use a side, unless nothing is to be written. Returns the
 * warnings.
 */
export function refuseRunning(
  option: 'from' | 'to',
  place: Place | undefined,
  { dryRun }: { readonly dryRun: boolean },
): string | undefined {
  if (place !== undefined && place.caches > 0) {
    return inTheWay(
      option,
      `An application is connected to the database of --${option}`,
      'If what is connected does not write to this cache, say so with --ignore-running.',
      dryRun,
    );
  }
  if (place === undefined || place.others === 0) return undefined;
  const sessions = place.others === 1 ? 'is 1 other session' : `are ${place.others} other sessions`;
  return (
    `There ${sessions} in the database of --${option}. If an application that uses the cache is among them, stop it and ` +
    'copy again.'
  );
}
