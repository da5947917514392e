import type { CacheError } from '../cache-error.js';
import type { StoredValue } from '../values/stored-value.js';
import type { ValueCodec } from '../values/value-codec.js';

/** What is known of a key: its stored value, that it has none, or that its row does not decode. */
export type KnownValue<V> =
  | { readonly kind: 'present'; readonly stored: StoredValue<V> }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly error: CacheError };

export const ABSENT: KnownValue<never> = Object.freeze({ kind: 'absent' });

export function present<V>(stored: StoredValue<V>): KnownValue<V> {
  return { kind: 'present', stored };
}

/** The value itself; `undefined` where there is none. Throws for a row that does not decode. */
export function valueOf<V>(known: KnownValue<V>, codec: ValueCodec<V>): V | undefined {
  if (known.kind === 'unreadable') throw known.error;
  return known.kind === 'absent' ? undefined : known.stored.read(codec);
}

/** What is stored; `undefined` where there is nothing. Throws for a row that does not decode. */
export function storedOf<V>(known: KnownValue<V>): StoredValue<V> | undefined {
  if (known.kind === 'unreadable') throw known.error;
  return known.kind === 'absent' ? undefined : known.stored;
}
