import { CacheError } from '../../index.js';

/** How a `DurableBotSessions` reads. */
export interface BotSessionsOptions {
  /**
   * Whether each read asks the database first what other instances have committed. A bot writes a session back whole, so an old
   * one that it has read would undo what another instance did. A read then fails while the database is away. Where the cache is
   * alone on its table, memory knows, and nothing is asked. Default: true on `ON_CHANGE`, false on the other levels.
   */
  readonly fresh?: boolean | undefined;
}

const OPTIONS = ['fresh'];

/** Throws `INVALID_OPTION` for an option that is unknown or out of range. */
export function assertSessionsOptions(given: BotSessionsOptions): void {
  if (typeof given !== 'object' || given === null)
    throw invalid('options', 'takes options such as { fresh: true }.');
  for (const option of Object.keys(given)) {
    if (!OPTIONS.includes(option))
      throw invalid(option, `has no option '${option}'. Known: ${OPTIONS.join(', ')}.`);
  }
  if (given.fresh !== undefined && typeof given.fresh !== 'boolean')
    throw invalid('fresh', "takes true or false as 'fresh'.");
}

/** A refusal of what the storage was made with. */
export function invalid(option: string, what: string): CacheError {
  return new CacheError('INVALID_OPTION', `DurableBotSessions ${what}`, { option });
}
