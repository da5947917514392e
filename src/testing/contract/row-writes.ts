import type { Atom, AtomOutcome, CacheStorageAdapter, RowWrite, Stamp, StoredEntry } from '../../index.js';
import { STAMP } from './changes.js';
import { NOW } from './contract-case.js';

/** The stamp of a second commit, and one that no row has. */
export const SECOND = STAMP + 1;
export const OTHER = STAMP + 7;

/** What a row must be for a write of it to happen: {@link RowWrite.expects}. */
type Expected = Stamp | null | undefined;

/** Stores a row of the namespace `n`. */
export function store(
  key: string,
  value: string,
  expects: Expected,
  more: { readonly namespace?: string; readonly expiresAt?: number } = {},
): RowWrite {
  return { namespace: 'n', key, value, expiresAt: null, expects, ...more };
}

/** Removes a row of the namespace `n`. */
export function remove(key: string, expects: Expected, namespace = 'n'): RowWrite {
  return { namespace, key, value: undefined, expiresAt: null, expects };
}

/** What became of atoms, in a word each. */
export function kindsOf(outcomes: readonly AtomOutcome[]): string[] {
  return outcomes.map(({ kind }) => kind);
}

/** Sorted as the contract compares them: storages give them in any order. */
export function byKey<Row extends StoredEntry>(rows: readonly Row[]): Row[] {
  return rows.toSorted((one, other) => (one.key < other.key ? -1 : 1));
}

/** Commits of atoms, and of writes that are an atom each. */
export interface ConditionalWrites {
  readonly write: (atoms: readonly Atom[], stamp?: Stamp) => Promise<readonly AtomOutcome[]>;
  readonly writeEach: (writes: readonly RowWrite[], stamp?: Stamp) => Promise<readonly AtomOutcome[]>;
}

export function writesTo(storage: Pick<CacheStorageAdapter, 'write'>): ConditionalWrites {
  const write = (atoms: readonly Atom[], stamp = SECOND): Promise<readonly AtomOutcome[]> =>
    storage.write(atoms, { stamp, now: NOW });
  return {
    write,
    writeEach: (writes, stamp) =>
      write(
        writes.map((one) => [one]),
        stamp,
      ),
  };
}
