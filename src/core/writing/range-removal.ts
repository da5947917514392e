import type { KeyRange } from '../keys/key-range.js';
import type { Commit } from '../storage-adapter.js';

/**
 * The removal of a range of rows, attempt by attempt. Where others write to the same rows it must not be made twice: what they
 * have written after the first one is not to go.
 */
export class RangeRemoval {
  /** What was attempted, and may have been committed. */
  attempts: readonly Commit[] = [];

  constructor(readonly range: KeyRange) {}
}
