import type { CacheError } from '../cache-error.js';
import type { StoredValue } from '../values/stored-value.js';

/** What is known of a key: its snapshot, that it has none, or that its row does not decode. */
export type KnownValue<V> =
  | { readonly kind: 'present'; readonly snapshot: StoredValue<V> }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly error: CacheError };

export const ABSENT: KnownValue<never> = Object.freeze({ kind: 'absent' });

export function present<V>(snapshot: StoredValue<V>): KnownValue<V> {
  return { kind: 'present', snapshot };
}
