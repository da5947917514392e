import { CacheError } from '../cache-error.js';
import type { KeyPrefix } from './key-prefix.js';
import type { KeyRange } from './key-range.js';

/** The longest encoded key, in characters (Unicode code points): what a primary key holds on every database. */
const MAX_KEY_LENGTH = 512;

/** Turns a key into the text it is stored under, and back. `decode(encode(key))` must equal `key`. */
export interface KeyCodec<K> {
  /** What a key is, for error messages: `a number`. */
  readonly expects: string;
  /** The stored form. Throws a `CacheError` `INVALID_KEY` for a key that it cannot bring back as it is. */
  encode(key: K): string;
  /** The key of a stored form. Throws for a text that `encode` never returns. */
  decode(text: string): K;
  /**
   * The stored keys that begin with `prefix`, for `scan` and `deletePrefix`. Throws a `CacheError` `INVALID_KEY` for what
   * no key begins with. A codec without it has keys without prefixes.
   */
  prefix?(prefix: KeyPrefix<K>): KeyRange;
}

export function invalidKey(reason: string, remedy: string): CacheError {
  return new CacheError('INVALID_KEY', `${reason} ${remedy}`);
}

/** Refuses a prefix that some database would take for another one. */
export function assertStorablePrefix(text: string): void {
  // No prefix is one, too: that of every key.
  if (text !== '') assertStorableText(text);
}

/** Refuses text that some database would store differently from how it was given, or not at all. */
export function assertStorableText(text: string): void {
  if (text === '') throw invalidKey('The key is empty.', 'Use a key of at least one character.');
  if (text.includes('\0')) {
    throw invalidKey('The key holds a NUL character.', 'Remove it: SQL databases do not store it in text.');
  }
  if (!text.isWellFormed()) {
    throw invalidKey(
      'The key holds half of a surrogate pair.',
      'Use well-formed Unicode (String.prototype.toWellFormed).',
    );
  }
  if (isTooLong(text)) {
    throw invalidKey(
      `The key is longer than ${MAX_KEY_LENGTH} characters once encoded.`,
      "Store it under a hash of it: createHash('sha256').update(key).digest('hex').",
    );
  }
}

/** Whether a stored key is longer than the cache makes them. Counts code points, and only where the number of UTF-16 units leaves it open. */
export function isTooLong(text: string): boolean {
  if (text.length <= MAX_KEY_LENGTH) return false;
  if (text.length > 2 * MAX_KEY_LENGTH) return true;
  let points = 0;
  for (const _ of text) points += 1;
  return points > MAX_KEY_LENGTH;
}

/** What was given instead, without showing it. */
export function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? `an array of ${value.length}` : `a value of type ${typeof value}`;
}
