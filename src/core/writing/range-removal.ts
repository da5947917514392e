import { CacheError } from '../cache-error.js';
import type { KeyRange } from '../keys/key-range.js';
import type { Commit } from '../storage-adapter.js';

/**
 * The removal of a range of rows, attempt by attempt. Where others write to the same rows it must not be made twice: what they
 * have written after the first one is not to go.
 */
export class RangeRemoval {
  /** What was attempted last, and may have been committed. */
  attempt: Commit | undefined;

  constructor(
    readonly range: KeyRange,
    /** What to do where nobody can tell any more if an attempt was committed. */
    readonly whenUnknown: 'make again' | 'give up',
  ) {}
}

/** Nobody can tell whether a removal was committed, and it is not made again. */
export class UnknownRemoval extends CacheError {
  constructor(namespace: string) {
    super(
      'WRITE_FAILED',
      `Namespace '${namespace}': the connection broke during a removal of keys, and nobody can tell whether it has happened. It was not ` +
        'made again, since others may have written such keys since. Look at the keys before you try again.',
      { namespace },
    );
  }
}
