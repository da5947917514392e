import {
  COMMITTED,
  CONFLICT,
  type Atom,
  type AtomOutcome,
  type Commit,
  type LogPosition,
  type RowWrite,
  type StampedEntry,
} from '../../core/storage-adapter.js';
import { driverErrorOf } from '../driver-error.js';
import { noteOfRows } from '../../core/sharing/note.js';
import type { LogNote } from '../../core/sharing/shared-storage.js';
import type { CommitLog } from './commit-log.js';
import type { Connection, OpenTransaction } from './connection.js';
import { losersOf } from './counted-rows.js';
import type { Dialect } from './dialect.js';
import { knownWriter, leaveNote, writeNoted } from './noted-write.js';
import type { Statement } from './statement.js';

/** Writes atoms in one transaction; gives what became of each. */
export async function writeAtoms(
  connection: Connection,
  dialect: Dialect,
  atoms: readonly Atom[],
  commit: Commit,
): Promise<readonly AtomOutcome[]> {
  const rows = atoms.flat();
  if (rows.every(isBlind)) {
    if (rows.length > 0) await writeBlind(connection, dialect, rows, commit);
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

/** Writes rows whatever there is of them. */
async function writeBlind(
  connection: Connection,
  dialect: Dialect,
  rows: readonly RowWrite[],
  commit: Commit,
): Promise<void> {
  const log = logOf(dialect, commit);
  if (commit.logged === undefined || log === undefined) {
    await connection.write(dialect.statements(rows, commit));
    return;
  }
  // With removals they may be several statements, and with the note a transaction of at least four trips.
  const isMixed = rows.length > 1 && rows.some(({ value }) => value === undefined);
  if (isMixed && (await writeAtOnce(connection, dialect, rows, commit)) !== undefined) return;
  await writeNoted(connection, log, dialect.statements(rows, commit), noteOf(rows, commit, commit.logged));
}

/** Writes rows, each on its own, in one statement, and gives those that have lost; `undefined` where the database can't. */
async function writeAtOnce(
  connection: Connection,
  dialect: Dialect,
  rows: readonly RowWrite[],
  commit: Commit,
): Promise<ReadonlySet<RowWrite> | undefined> {
  const log = logOf(dialect, commit);
  if (log?.withNoteOfAll !== undefined) return writeAllOrNone(connection, dialect, log, { rows, commit });
  const { logged, stamp } = commit;
  const [first] = rows;
  // The note is to name the winners, whom a number of rows does not tell apart, unless there is one.
  const counted = logged === undefined || rows.length === 1 ? dialect.counted?.(rows, commit) : undefined;
  const statement =
    counted === undefined || logged === undefined || first === undefined
      ? counted
      : log?.withNote?.(counted, noteOf([first], commit, logged), 'if changed');
  if (statement !== undefined) {
    const changed = await knownWriter(log, () => connection.write([statement]));
    // The note may count, too.
    const count = Math.min(changed, rows.length);
    return losersOf({ connection, dialect, rows, stamp, count });
  }
  if (connection.writeReturning === undefined) return undefined;
  const write = dialect.atOnce?.(rows, commit);
  if (write === undefined) return undefined;
  const answer = await knownWriter(log, async () => connection.writeReturning?.(write.statement));
  return new Set(write.losers(answer ?? []));
}

/**
 * Writes rows and their note in one statement, if all of them are what they expect; gives those that have lost, as far as that is clear
 * without looking at each.
 */
async function writeAllOrNone(
  connection: Connection,
  dialect: Dialect,
  log: CommitLog,
  { rows, commit }: { readonly rows: readonly RowWrite[]; readonly commit: Commit },
): Promise<ReadonlySet<RowWrite> | undefined> {
  const { logged } = commit;
  const counted = logged && dialect.counted?.(rows, commit);
  const statement = counted && log.withNoteOfAll?.(counted, noteOf(rows, commit, logged), rows.length);
  if (statement === undefined) return undefined;
  try {
    await knownWriter(log, () => connection.write([statement]));
    return new Set();
  } catch (error) {
    if (log.hasChangedFewer?.(driverErrorOf(error)) !== true) throw error;
    return rows.length === 1 ? new Set(rows) : undefined;
  }
}

/** Where a commit is to leave a note. */
function logOf({ log }: Dialect, { logged }: Commit): CommitLog | undefined {
  return logged === undefined ? undefined : log;
}

function noteOf(rows: readonly RowWrite[], { stamp }: Commit, position: LogPosition): LogNote {
  return { ...position, text: noteOfRows(stamp, rows) };
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
  const log = logOf(dialect, commit);
  if (commit.logged === undefined || log === undefined) return;
  const written = atoms.filter((atom) => !lost.has(atom)).flat();
  if (written.length > 0) await leaveNote(transaction, log, noteOf(written, commit, commit.logged));
}

/** A write in which something more is done to the rows that it has written. */
export interface FollowedWrite<Row extends RowWrite> {
  readonly atoms: readonly Atom<Row>[];
  readonly commit: Commit;
  /** What is executed behind, in the same transaction: for the rows that were written alone. */
  readonly following: (written: readonly Row[]) => Iterable<Statement>;
}

/** Writes atoms, each of one row, and what follows from those written, in one transaction; gives what became of each. */
export function writeFollowed<Row extends RowWrite>(
  connection: Connection,
  dialect: Dialect,
  { atoms, commit, following }: FollowedWrite<Row>,
): Promise<readonly AtomOutcome[]> {
  return connection.transaction(async (transaction) => {
    const lost = new Set<Atom>();
    await writeWhere(transaction, dialect, atoms, commit, lost);
    for (const statement of following(atoms.filter((atom) => !lost.has(atom)).flat()))
      await transaction.execute(statement);
    return atoms.map((atom) => (lost.has(atom) ? CONFLICT : COMMITTED));
  });
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
