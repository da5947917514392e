import { createHash } from 'node:crypto';

/** Of the hash in a name: 128 bits. */
const HASH_DIGITS = 32;

/**
 * The channel of all who share a table. `place` is the same for each of them, however it reaches the table, and another one
 * for any other table. It is hashed: a server shows the names of channels to whoever asks.
 */
export function channelNameOf(place: string): string {
  return `ndc_${createHash('sha256').update(place).digest('hex').slice(0, HASH_DIGITS)}`;
}
