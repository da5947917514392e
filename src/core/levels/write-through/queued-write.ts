import type { MemoryKey } from '../../keys/key-space.js';
import type { StoredValue } from '../../values/stored-value.js';
import type { Updater } from '../persistence.js';

/** A write to a write-through namespace, as it was called. */
export type WriteRequest<V> =
  | { readonly kind: 'set'; readonly key: MemoryKey; readonly snapshot: StoredValue<V> }
  | {
      readonly kind: 'update';
      readonly key: MemoryKey;
      readonly fn: Updater<V>;
      readonly ttlMs: number | undefined;
    }
  | { readonly kind: 'delete'; readonly key: MemoryKey }
  | { readonly kind: 'rename'; readonly key: MemoryKey; readonly to: MemoryKey }
  | { readonly kind: 'clear' };

/** A write that waits for its commit, and its caller's promise. */
export interface QueuedWrite<V> {
  readonly request: WriteRequest<V>;
  /** When it was called, on the monotonic clock. */
  readonly at: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}
