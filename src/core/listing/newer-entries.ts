import type { KnownValue } from '../entries/known-value.js';
import type { MemoryKey } from '../keys/key-space.js';

/** What a level knows of its entries that the rows may not show: what is dirty, or in doubt. */
export interface NewerEntries<V> {
  /** The keys that may have a value without having a row, now. */
  keys(): Iterable<MemoryKey>;
  /** From now until it ends, keeps what is known beside rows that are read meanwhile. */
  watch(): NewerWatch<V>;
}

export interface NewerWatch<V> {
  /** Whether no row counts: they are all to be removed. */
  readonly isEmptied: boolean;
  /** What is newer of a key than the row that was read since the watch began; `undefined` where that row is the newest. */
  known(key: MemoryKey): KnownValue<V> | undefined;
  end(): void;
}
