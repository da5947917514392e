import { OptionCheck } from '../option-check.js';

/** For what `DurableBotSessions` is given. */
export const SESSIONS: OptionCheck = new OptionCheck('DurableBotSessions');

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
  SESSIONS.assertKnown(given, OPTIONS, '{ fresh: true }');
  if (given.fresh !== undefined && typeof given.fresh !== 'boolean')
    throw SESSIONS.refusal('fresh', "takes true or false as 'fresh'.");
}
