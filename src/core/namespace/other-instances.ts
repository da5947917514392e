import type { BackplaneStats } from '../definition/backplane-stats.js';
import type { MemoryKey } from '../keys/key-space.js';
import { ALWAYS_FRESH, type Freshness } from '../sharing/freshness.js';

/** What a namespace knows of the other instances that write to its rows. */
export interface OtherInstances {
  /** How far memory can be trusted where they write. */
  readonly freshness: Freshness;
  /** The figures of the messages between them and this one; `undefined` where there are none. */
  readonly backplane: BackplaneStats | undefined;
  /** Whether memory would answer for a key with what they may have changed. */
  dependsOnOthers(key: MemoryKey): boolean;
  /** Whether the rows alone tell what they see of a key. */
  isOpen(key: MemoryKey): boolean;
}

/** Of a namespace that nobody else writes to. */
export const NO_OTHERS: OtherInstances = Object.freeze({
  freshness: ALWAYS_FRESH,
  backplane: undefined,
  dependsOnOthers: () => false,
  isOpen: () => false,
});
