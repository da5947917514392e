import type { Immutable } from '../values/immutable.js';

/** What two processes have made of one entry. Each is `undefined` where there is none: it was removed, or has expired. */
export interface Conflict<V> {
  /** What this process has built on; `undefined`, too, where that did not decode. */
  readonly base: Immutable<V> | undefined;
  /** What this process has made of it, and not written yet. */
  readonly mine: Immutable<V> | undefined;
  /** What another process has written meanwhile. */
  readonly theirs: Immutable<V> | undefined;
}

/**
 * Makes one value of two; `undefined` removes the entry. It runs synchronously, must not write to the cache, and may run again
 * on what others have written then. One that throws, or gives what can't be stored, leaves the entry dirty.
 */
// As a method: a namespace of any values can be passed where the type of its values does not matter.
export type ConflictMerge<V> = {
  merge(conflict: Conflict<V>): Immutable<V> | undefined;
}['merge'];

/**
 * What becomes of an entry that is dirty here when another process has written its row. `'mine'`: what is dirty is written over
 * it. `'theirs'`: what is dirty is given up. A function: what it makes of both.
 */
export type ConflictRule<V> = 'mine' | 'theirs' | ConflictMerge<V>;
