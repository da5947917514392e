import { isEvery } from '../../keys/key-range.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { RescuedWrite } from '../../rescue/rescue-journal.js';
import type { DirtyEntries, TakenChange } from './dirty-entries.js';
import { expiryOf, textOf, type RowChange } from './row-change.js';

/** What is dirty in a namespace, as a journal keeps it; `underway` is what may still be written after all. */
export function rescuedWrites(
  namespace: string,
  keys: KeySpace<unknown>,
  dirty: DirtyEntries,
  underway: readonly TakenChange[],
  at: number,
): RescuedWrite[] {
  const late = new Map<MemoryKey, RowChange>(underway.map(({ memoryKey, change }) => [memoryKey, change]));
  const writes = dirty.removals.map((range): RescuedWrite =>
    isEvery(range) ? { op: 'clear', namespace, at } : { op: 'clear range', namespace, range, at },
  );
  for (const [key, change] of dirty.entries()) {
    const other = late.get(key);
    const base = {
      namespace,
      key: keys.textOf(key),
      at,
      ...(other === undefined || other === change ? {} : { underway: textOf(other) ?? null }),
    };
    const value = textOf(change);
    if (value === undefined) writes.push({ op: 'delete', ...base });
    else writes.push({ op: 'put', ...base, value, expiresAt: expiryOf(change) });
  }
  return writes;
}
