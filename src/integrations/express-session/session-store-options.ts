import { OptionCheck } from '../option-check.js';

/** For what the store is given. */
export const STORE: OptionCheck = new OptionCheck('DurableSessionStore');

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
  STORE.assertKnown(given, OPTIONS, '{ fresh: true }');
  const { fresh = false, touchAfterMs = 0 } = given;
  if (typeof fresh !== 'boolean') throw STORE.refusal('fresh', "takes true or false as 'fresh'.");
  if (!Number.isSafeInteger(touchAfterMs) || touchAfterMs < 0)
    throw STORE.refusal(
      'touchAfterMs',
      "takes a whole number of milliseconds, 0 or more, as 'touchAfterMs'.",
    );
  return Object.freeze({ fresh, touchAfterMs });
}
