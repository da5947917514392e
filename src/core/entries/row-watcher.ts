import type { MemoryKey } from '../keys/key-space.js';
import type { Stamp } from '../storage-adapter.js';

/** Keeps account of the rows that memory has seen. */
export interface RowWatcher {
  /** A row was put into memory as it was read. */
  seen(key: MemoryKey, text: string, expiresAt: number | null, stamp: Stamp): void;
  /** An entry left memory, whatever the reason. */
  left(key: MemoryKey): void;
}
