import { createHash } from 'node:crypto';

/** The longest key that the cache stores as it is, in characters (Unicode code points). */
const MAX_KEY_LENGTH = 512;
/** How much of a longer one is stored: whoever looks at the rows sees what they are, and a prefix finds them. */
export const KEPT_LENGTH = 400;
/** What looks like the stored form of a longer key. */
const SHORTENED = /^.{400}#[0-9a-f]{64}$/su;
const SHORTENED_LENGTH = KEPT_LENGTH + 1 + 64;

/**
 * The key that an entry of Keyv is stored under: its own, or for one of more than 512 characters the first 400 and a SHA-256 of
 * the whole. No two keys have the same one, short of a collision of the hash: what looks like a shortened key is shortened, too.
 */
export function storedKeyOf(key: string): string {
  if (!isShortened(key)) return key;
  const hash = createHash('sha256').update(key).digest('hex');
  return `${firstOf(key)}#${hash}`;
}

function isShortened(key: string): boolean {
  // No text at all is for the cache to refuse, and so is what it takes for none in whichever part: the hash would hide that.
  if (typeof key !== 'string' || key.length < SHORTENED_LENGTH) return false;
  if (key.includes('\0') || !key.isWellFormed()) return false;
  return isTooLong(key) || SHORTENED.test(key);
}

function isTooLong(key: string): boolean {
  if (key.length <= MAX_KEY_LENGTH || key.length > 2 * MAX_KEY_LENGTH) return key.length > MAX_KEY_LENGTH;
  return Array.from(key).length > MAX_KEY_LENGTH;
}

/** Whole characters: half of a surrogate pair could not be stored. */
function firstOf(key: string): string {
  return Array.from(key.slice(0, 2 * KEPT_LENGTH))
    .slice(0, KEPT_LENGTH)
    .join('');
}
