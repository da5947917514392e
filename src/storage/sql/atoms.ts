import {
  COMMITTED,
  CONFLICT,
  type Atom,
  type AtomOutcome,
  type Commit,
  type RowWrite,
  type StampedEntry,
} from '../../core/storage-adapter.js';
import type { Connection, OpenTransaction } from './connection.js';
import { losersOf } from './counted-rows.js';
import type { Dialect } from './dialect.js';

/** Writes atoms in one transaction; gives what became of each. */
export async function writeAtoms(
  connection: Connection,
  dialect: Dialect,
  atoms: readonly Atom[],
  commit: Commit,
): Promise<readonly AtomOutcome[]> {
  const rows = atoms.flat();
  if (rows.every(isBlind)) {
    if (rows.length > 0) await connection.write(dialect.statements(rows, commit));
    return atoms.map(() => COMMITTED);
  }
  if (atoms.every(isSafeAtOnce)) {
    const losers = await writeAtOnce(connection, dialect, rows, commit);
    if (losers !== undefined)
      return atoms.map((atom) => (atom.some((row) => losers.has(row)) ? CONFLICT : COMMITTED));
  }
  const lost = new Set<Atom>();
  for (;;) {
    try {
      await connection.transaction((transaction) => writeWhere(transaction, dialect, atoms, commit, lost));
      return atoms.map((atom) => (lost.has(atom) ? CONFLICT : COMMITTED));
    } catch (error) {
      if (!(error instanceof HalfLost)) throw error;
    }
  }
}

/** Writes rows in one statement, each on its own, and gives the losers; `undefined` where no one statement does. */
async function writeAtOnce(
  connection: Connection,
  dialect: Dialect,
  rows: readonly RowWrite[],
  commit: Commit,
): Promise<ReadonlySet<RowWrite> | undefined> {
  const counted = dialect.counted?.(rows, commit);
  if (counted !== undefined) {
    const count = await connection.write([counted]);
    return losersOf({ connection, dialect, rows, stamp: commit.stamp, count });
  }
  if (connection.writeReturning === undefined) return undefined;
  const write = dialect.atOnce?.(rows, commit);
  return write && new Set(write.losers(await connection.writeReturning(write.statement)));
}

/** An atom has lost a row when another one of it was written already. */
class HalfLost extends Error {}

/** Writes atoms in a transaction, and adds those in conflict to `lost`. Throws where it has to begin again without those. */
async function writeWhere(
  transaction: OpenTransaction,
  dialect: Dialect,
  atoms: readonly Atom[],
  commit: Commit,
  lost: Set<Atom>,
): Promise<void> {
  const atomOf = new Map<RowWrite, Atom>();
  for (const atom of atoms)
    if (!lost.has(atom)) for (const row of atom) if (!isBlind(row)) atomOf.set(row, atom);
  const losers = new Set(await dialect.compareAndSet(transaction, [...atomOf.keys()], commit));
  let isHalf = false;
  for (const row of losers) {
    const atom = atomOf.get(row) ?? [];
    lost.add(atom);
    isHalf ||= atom.some((other) => !isBlind(other) && !losers.has(other));
  }
  if (isHalf) throw new HalfLost();
  const blind = atoms.filter((atom) => !lost.has(atom)).flatMap((atom) => atom.filter(isBlind));
  for (const statement of dialect.statements(blind, commit)) await transaction.execute(statement);
}

/** What a task threw of its own: no error of the database. */
export class Undecided extends Error {
  constructor(override readonly cause: unknown) {
    super('Nothing was decided.');
  }
}

/** A read-modify-write of rows. */
export interface Modification {
  readonly namespace: string;
  readonly keys: readonly string[];
  readonly decide: (rows: readonly StampedEntry[]) => readonly Atom[];
  readonly commit: Commit;
}

/** Reads rows and writes what is made of them, in one transaction; gives what became of each atom. Throws {@link Undecided}. */
export function modifyRows(
  connection: Connection,
  dialect: Dialect,
  { namespace, keys, decide, commit }: Modification,
): Promise<readonly AtomOutcome[]> {
  let decided: readonly Atom[] = [];
  const modified = connection.transaction(async (transaction) => {
    const rows = await dialect.lock(transaction, namespace, keys);
    let atoms: readonly Atom[];
    try {
      atoms = decide(rows);
    } catch (error) {
      throw new Undecided(error);
    }
    const lost = new Set<Atom>();
    decided = atoms;
    await writeWhere(transaction, dialect, atoms, commit, lost);
    return atoms.map((atom) => (lost.has(atom) ? CONFLICT : COMMITTED));
  });
  return modified.catch((error: unknown) => {
    // Rolled back: what is left would have to be decided on other rows.
    if (error instanceof HalfLost) return decided.map(() => CONFLICT);
    throw error;
  });
}

/** Whether no row of an atom may lose alone: what one statement has written for the others would stay. */
function isSafeAtOnce(atom: Atom): boolean {
  return atom.length === 1 || atom.every(isBlind);
}

/** Whether a row is written whatever it is. */
function isBlind({ expects }: RowWrite): boolean {
  return expects === undefined;
}
