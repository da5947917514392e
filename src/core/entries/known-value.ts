import type { CacheError } from '../cache-error.js';
import type { Stamp } from '../storage-adapter.js';
import type { StoredValue } from '../values/stored-value.js';
import type { ValueCodec } from '../values/value-codec.js';

/**
 * What is known of a key: its stored value, that it has none, or that its row does not decode. An expired row counts as
 * absent, and has a stamp.
 */
export type KnownValue<V> =
  | { readonly kind: 'present'; readonly stored: StoredValue<V> }
  | { readonly kind: 'absent'; readonly stamp: Stamp | null }
  | { readonly kind: 'unreadable'; readonly error: CacheError; readonly stamp: Stamp };

export const ABSENT: KnownValue<never> = Object.freeze({ kind: 'absent', stamp: null });

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

/** The stamp of the row; `null` where there is no row, `undefined` where the stamp is not known. */
export function stampOf<V>(known: KnownValue<V>): Stamp | null | undefined {
  return known.kind === 'present' ? known.stored.stamp : known.stamp;
}
