import type { CacheError } from '../cache-error.js';
import type { Snapshot } from '../values/stored-value.js';

/** What is known of a key: its snapshot, that it has none, or that its row does not decode. */
export type Found<V> =
  | { readonly kind: 'present'; readonly snapshot: Snapshot<V> }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly error: CacheError };

export const ABSENT: Found<never> = Object.freeze({ kind: 'absent' });

export function present<V>(snapshot: Snapshot<V>): Found<V> {
  return { kind: 'present', snapshot };
}
