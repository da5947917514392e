import type {
  Atom,
  AtomOutcome,
  CacheStorageAdapter,
  Commit,
  RowWrite,
  Stamp,
  StoredEntry,
} from '../../index.js';

/** What the rows of tests are stamped with. */
export const STAMP: Stamp = 2 ** 27 + 1;

/** What is to become of some rows of a namespace, each an atom of its own. */
export interface Change {
  readonly namespace: string;
  readonly puts?: readonly StoredEntry[];
  readonly deletes?: readonly string[];
}

/** The same as writes, whatever there is of the rows. */
function writesOf({ namespace, puts = [], deletes = [] }: Change): RowWrite[] {
  return [
    ...deletes.map((key) => ({ namespace, key, value: undefined, expiresAt: null })),
    ...puts.map(({ key, value, expiresAt }) => ({ namespace, key, value, expiresAt })),
  ];
}

/** Writes `changes`, each row an atom. */
export function writeChanges(
  storage: Pick<CacheStorageAdapter, 'write'>,
  changes: readonly Change[],
  now: number,
  stamp = STAMP,
): Promise<readonly AtomOutcome[]> {
  const atoms: Atom[] = changes.flatMap(writesOf).map((write) => [write]);
  const commit: Commit = { stamp, now };
  return storage.write(atoms, commit);
}
