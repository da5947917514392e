import type { StoredValue } from './stored-value.js';

/** What is to become of an entry, and the answer to the call that decided so. */
interface Decision<V, R> {
  /** What is stored from now on; `null` removes the entry, `undefined` leaves value and expiry as they are. */
  readonly next: StoredValue<V> | null | undefined;
  readonly result: R;
  /** Whether {@link next} is what a loader gave: it may have been read before somebody removed the key. Default false. */
  readonly isLoaded?: boolean | undefined;
}

/**
 * Decides on what there is of a key when it is the turn of the call: on its value, and on that as it is stored, which has
 * the expiry. Both are `undefined` where there is none. It may be asked again, of something newer, when what it decided
 * could not be committed. What it throws rejects its own call and changes nothing.
 */
export type Decide<V, R> = (current: V | undefined, stored: StoredValue<V> | undefined) => Decision<V, R>;
