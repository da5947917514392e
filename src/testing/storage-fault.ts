import type { StorageFailure } from '../index.js';

/** What a `FaultyStorage` fails with unless it is given an error. */
export class StorageFault extends Error {
  override readonly name = 'StorageFault';

  /** `transient`: the storage is away, the cache tries again. `permanent`: it refuses what it was given. */
  constructor(
    readonly kind: StorageFailure = 'transient',
    readonly code: string = kind === 'transient' ? 'FAULT_AWAY' : 'FAULT_REFUSED',
  ) {
    super(
      kind === 'transient' ? 'the test has taken the storage away' : 'the test has the storage refuse this',
    );
  }
}
