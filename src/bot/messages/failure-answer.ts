import type { CacheErrorCode } from '../../index.js';

const REFUSED = 'I can’t store that. Please try a shorter or plainer key or value.';
const MISCONFIGURED = 'I am not set up correctly. Please tell the owner of this bot.';

const ANSWERS: Partial<Record<CacheErrorCode, string>> = {
  INVALID_KEY: REFUSED,
  INVALID_VALUE: REFUSED,
  ENTRY_REFUSED: REFUSED,
  WRITE_FAILED: 'I could not save that, so nothing has changed. Please try again in a minute.',
  READ_FAILED: 'I can’t look that up right now. Please try again in a minute.',
  UNREADABLE_ENTRY:
    'What I stored here can’t be read any more. Please tell the owner of this bot: the log says which entry it is.',
  CACHE_CLOSED: 'I am being stopped, and did not save that. Please send it again when I am back.',
};

/** What a user can do when the cache refuses or fails. */
export function failureAnswer(code: CacheErrorCode): string {
  return ANSWERS[code] ?? MISCONFIGURED;
}
