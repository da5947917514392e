import { isEvery } from '../../keys/key-range.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { RescuedWrite } from '../../rescue/rescue-journal.js';
import type { DirtyEntries } from './dirty-entries.js';
import type { Provenance } from './provenance.js';
import { expiryOf, textOf } from './row-change.js';

/** What is dirty in a namespace, as a journal keeps it. */
export function rescuedWrites(
  namespace: string,
  keys: KeySpace<unknown>,
  dirty: DirtyEntries,
  provenance: Provenance | undefined,
): RescuedWrite[] {
  // Nobody will hear of its end.
  provenance?.doubtUnderway();
  const writes = dirty.removals.map((range): RescuedWrite =>
    isEvery(range) ? { op: 'clear', namespace } : { op: 'clear range', namespace, range },
  );
  // A clear removes what this process has written, and no more than that can be proved: what it knew of others, it names.
  for (const [key, base] of provenance?.removed ?? [])
    if (dirty.get(key) === undefined) writes.push({ op: 'delete', namespace, key: keys.textOf(key), base });
  const atoms = new Map<ReadonlySet<MemoryKey>, number>();
  for (const [key, change] of dirty.entries()) {
    const intent = {
      namespace,
      key: keys.textOf(key),
      ...provenance?.of(key),
      ...atomOf(dirty.groupOf(key), atoms),
    };
    const value = textOf(change);
    if (value === undefined) writes.push({ op: 'delete', ...intent });
    else writes.push({ op: 'put', ...intent, value, expiresAt: expiryOf(change) });
  }
  return writes;
}

/** The number of a group, if there is one: the next that is free for a new one. */
function atomOf(
  group: ReadonlySet<MemoryKey> | undefined,
  atoms: Map<ReadonlySet<MemoryKey>, number>,
): { atom?: number } {
  if (group === undefined) return {};
  const atom = atoms.get(group) ?? atoms.size;
  atoms.set(group, atom);
  return { atom };
}
