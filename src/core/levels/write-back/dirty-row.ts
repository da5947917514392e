import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { RowWrite, Stamp } from '../../storage-adapter.js';
import type { TakenChange } from './dirty-entries.js';
import { expiryOf, textOf, type RowChange } from './row-change.js';

/** A change as the row that is written for it. */
export interface DirtyRow extends RowWrite, TakenChange {
  /** Said when it is about to be written: what it was built on may have been committed since it was taken. */
  expects: Stamp | null | undefined;
}

/** Rows that must be written together, list by list. */
export type Batch = readonly (readonly DirtyRow[])[];

export function dirtyRow(
  { name }: Pick<NamespaceDefinition, 'name'>,
  keys: KeySpace<unknown>,
  memoryKey: MemoryKey,
  change: RowChange,
): DirtyRow {
  return {
    namespace: name,
    key: keys.textOf(memoryKey),
    value: textOf(change),
    expiresAt: expiryOf(change),
    expects: undefined,
    memoryKey,
    change,
  };
}
