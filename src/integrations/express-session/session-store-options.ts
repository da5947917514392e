import { CacheError } from '../../index.js';

/** How a `DurableSessionStore` reads and touches. */
export interface SessionStoreOptions {
  /**
   * Whether each request asks the database first what other instances have committed, so that a session which one of them
   * has destroyed is dead everywhere at once. A request then fails while the database is away. Default false: within
   * `maxStaleMs`.
   */
  readonly fresh?: boolean | undefined;
  /**
   * Milliseconds by which a touch must prolong a session to be written. A session that nothing else changes is then written
   * once in that time instead of at each request, and may end by as much earlier. Default 0: each touch counts.
   */
  readonly touchAfterMs?: number | undefined;
}

/** The options with their defaults. */
export interface ResolvedStoreOptions {
  readonly fresh: boolean;
  readonly touchAfterMs: number;
}

const OPTIONS = ['fresh', 'touchAfterMs'];

/** Throws `INVALID_OPTION` for an option that is unknown or out of range. */
export function resolveStoreOptions(given: SessionStoreOptions): ResolvedStoreOptions {
  if (typeof given !== 'object' || given === null)
    throw invalid('options', 'takes options such as { fresh: true }.');
  for (const option of Object.keys(given)) {
    if (!OPTIONS.includes(option))
      throw invalid(option, `has no option '${option}'. Known: ${OPTIONS.join(', ')}.`);
  }
  const { fresh = false, touchAfterMs = 0 } = given;
  if (typeof fresh !== 'boolean') throw invalid('fresh', "takes true or false as 'fresh'.");
  if (!Number.isSafeInteger(touchAfterMs) || touchAfterMs < 0)
    throw invalid('touchAfterMs', "takes a whole number of milliseconds, 0 or more, as 'touchAfterMs'.");
  return Object.freeze({ fresh, touchAfterMs });
}

/** A refusal of what the store was made with. */
export function invalid(option: string, what: string): CacheError {
  return new CacheError('INVALID_OPTION', `DurableSessionStore ${what}`, { option });
}
