import { createHash } from 'node:crypto';
import { CacheError } from '../../index.js';

/** What every database can have as a key, and a person can read. */
const READABLE = /^[\x21-\x7e]{1,200}$/;
/** The form that other keys are stored in. */
const HASHED = /^sha256:[0-9a-f]{64}$/;

/**
 * The key that the hits of a key of `@nestjs/throttler` are stored under: its own, or its SHA-256 where it is longer than 200 characters or
 * not printable ASCII. No two keys have the same one, short of a collision of the hash: what looks like a hashed key is hashed, too.
 *
 * Throws `INVALID_KEY` for a key that is neither text nor a number.
 */
export function storedKeyOf(key: string | number | bigint): string {
  const text = textOf(key);
  if (READABLE.test(text) && !HASHED.test(text)) return text;
  // By its UTF-16 code units: as UTF-8 all lone surrogates are the same.
  const hash = createHash('sha256').update(Buffer.from(text, 'utf16le'));
  return `sha256:${hash.digest('hex')}`;
}

function textOf(key: unknown): string {
  if (typeof key === 'string') return key;
  if (typeof key === 'number' || typeof key === 'bigint') return String(key);
  throw new CacheError(
    'INVALID_KEY',
    `DurableThrottlerStorage counts hits of a string, and was given ${key === null ? 'null' : `a key of type ${typeof key}`}, under which ` +
      'all clients would share one limit. Return a string from generateKey.',
  );
}
