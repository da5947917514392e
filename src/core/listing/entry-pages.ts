import type { KeyRange } from '../keys/key-range.js';

/** What is to be listed. */
export interface Listing {
  readonly range: KeyRange;
  /** Whether the last key comes first. */
  readonly reverse: boolean;
  /** Most entries; `Infinity` for all. */
  readonly limit: number;
}

/** A key as its owner gave it, and its value. */
export type ListedEntry<V> = readonly [key: unknown, value: V];

/** Entries in the byte order of their stored keys, page by page. */
export interface EntryPages<V> {
  /** The next page, which may be empty; `undefined` behind the last one. To be called again only when it has settled. */
  next(): Promise<readonly ListedEntry<V>[] | undefined>;
}
