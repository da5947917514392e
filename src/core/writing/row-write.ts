import type { NamespaceWrite, StoredEntry } from '../storage-adapter.js';

/** A write of one row. */
export interface RowWrite {
  readonly namespace: string;
  /** As it is stored. */
  readonly key: string;
  /** `undefined` to remove the row. */
  readonly value: string | undefined;
  /** Wall-clock ms; `null` for never. */
  readonly expiresAt: number | null;
}

/** The same as a batch of the storage port. */
export function toBatch(writes: readonly RowWrite[]): NamespaceWrite[] {
  const byNamespace = new Map<string, { namespace: string; puts: StoredEntry[]; deletes: string[] }>();
  let batch: { namespace: string; puts: StoredEntry[]; deletes: string[] } | undefined;
  for (const write of writes) {
    const { namespace, key } = write;
    if (batch?.namespace !== namespace) {
      batch = byNamespace.get(namespace) ?? { namespace, puts: [], deletes: [] };
      byNamespace.set(namespace, batch);
    }
    if (isPut(write)) batch.puts.push(write);
    else batch.deletes.push(key);
  }
  return [...byNamespace.values()];
}

function isPut(write: RowWrite): write is RowWrite & { readonly value: string } {
  return write.value !== undefined;
}
