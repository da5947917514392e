import { CacheError } from '../core/cache-error.js';
import { shownRivals, type Refusal } from '../core/sharing/instance-running.js';
import type { CommandIo } from './command-io.js';
import { printable } from './printable.js';
import type { StorageLocation } from './storage-location.js';

/** Why `command` does not write beside an application that would not see it. */
export function refusalOf(command: string): Refusal {
  return (place, _mode, rivals, waitMs) =>
    new CacheError(
      'INSTANCE_RUNNING',
      `${command} can't write beside an application that has the database to itself: it would not see the change. It is ` +
        `${shownRivals(rivals)}, on ${place}, and has not ended within ${waitMs / 1000} s. ${remedyFor('the command')}`,
      { option: 'database' },
    );
}

/** Why a copy does not write to a target that applications use. */
export const refusalOfTarget: Refusal = (place, _mode, rivals, waitMs) =>
  new CacheError(
    'INSTANCE_RUNNING',
    `--to can't be written to while it is in use: ${shownRivals(rivals)} works on ${place}, and has not ended within ` +
      `${waitMs / 1000} s. Stop it, and copy then. To copy all the same, add --ignore-running.`,
    { option: 'to' },
  );

/** Says after a dry run that an application is in the way of the run itself. */
export async function warnOfRefusal(
  location: StorageLocation,
  command: string,
  { stderr }: CommandIo,
): Promise<void> {
  const application = await soleApplication(location);
  if (application === undefined) return;
  const line =
    `An application has the database to itself (${application}): ${command} is refused beside it. ` +
    remedyFor('the run itself');
  stderr.write(`${printable(line)}\n`);
}

function remedyFor(run: string): string {
  return `Stop it before ${run}, or start it with instances: 'many', which sees what others write.`;
}

/** What an application is called that works there alone; `undefined` where none is seen. Changes nothing there. */
async function soleApplication(location: StorageLocation): Promise<string | undefined> {
  if (!location.exists) return undefined;
  // First: it would meet the connection of the storage.
  const isInUse = await location.isInUse();
  const storage = location.forReading();
  await storage.open();
  try {
    const { instances } = await storage.state();
    // A SQLite file that nobody has open has none, whatever one that crashed has left.
    return instances.find(
      ({ mode, state }) => mode === 'one' && (state === 'running' || (state === 'unknown' && isInUse)),
    )?.about;
  } finally {
    await storage.close();
  }
}
