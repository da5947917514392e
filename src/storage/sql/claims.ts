import type { ClaimEvents, Instance, Rival } from '../../core/sharing/shared-storage.js';
import type { Writer } from '../../core/storage-adapter.js';

/** How a kind of database knows the instances that work on it: the methods of `ClaimingStorage`, which says what they do. */
export interface Claims {
  /** For the log: what keeps it from keeping others out. Known once {@link prepare} is over. */
  readonly warning: string | undefined;
  /** Gets ready: nobody is kept out yet. */
  prepare?(): Promise<void>;
  join(instance: Instance, events: ClaimEvents): Promise<readonly Rival[]>;
  beat(writer: Writer): Promise<boolean>;
  leave(writer: Writer): Promise<void>;
  remove(writer: Writer, beat?: number): Promise<boolean>;
  /** Ends what shows that this process lives; runs when the database is closed. */
  close?(): Promise<void>;
}
