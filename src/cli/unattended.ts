import { CacheError } from '../core/cache-error.js';
import { RescueFile } from '../storage/rescue-file.js';
import type { Place } from '../storage/listed-storage.js';

/**
 * Only a start of the application replays a journal: that of the source holds what is newer than its rows, and that of the
 * target would go over what was copied. `what` names whose it is.
 */
export function refuseJournal(option: 'from' | 'to' | 'journal', path: string | undefined): void {
  const [left] = path === undefined ? [] : new RescueFile(path).files();
  if (left === undefined) return;
  throw new CacheError(
    'INVALID_OPTION',
    `--${option} has a rescue journal that has not been replayed: ${left}. Start the application on it once, stop it, and ` +
      'copy then.',
    { option },
  );
}

/** Rejects with `INSTANCE_RUNNING` where an application is seen to use a side. Gives what is to be warned of. */
export function refuseRunning(option: 'from' | 'to', place: Place | undefined): string | undefined {
  if (place !== undefined && place.caches > 0) {
    throw new CacheError(
      'INSTANCE_RUNNING',
      `An application is connected to the database of --${option}: what it writes during the copy would be missing or lost. ` +
        'Stop it, and copy then. If what is connected does not write to this cache, say so with --ignore-running.',
      { option },
    );
  }
  if (place === undefined || place.others === 0) return undefined;
  return (
    `There are ${place.others} other sessions in the database of --${option}. If one of them is an application that uses ` +
    'the cache, stop it and copy again.'
  );
}
