import { CacheError } from '../cache-error.js';
import type { EngineContext } from '../context.js';
import { codeOf } from '../driver-code.js';
import type { RescueJournal } from './rescue-journal.js';

/** Throws `INVALID_OPTION` where the application named a place that can't be written to; of another one it only says so. */
export function assertWritable(journal: RescueJournal, { logger }: Pick<EngineContext, 'logger'>): void {
  const obstacle = journal.obstacle();
  if (obstacle === undefined) return;
  const reason =
    `The rescue journal ${journal.describe()} can't be written (${codeOf(obstacle) ?? obstacle.message}): what a stop ` +
    'could not write to the database would be lost. Set rescueJournal to a file in a folder that the process may write to, ' +
    'or to false to do without.';
  if (journal.isChosen)
    throw new CacheError('INVALID_OPTION', reason, { option: 'rescueJournal', cause: obstacle });
  logger.warn(reason);
}
