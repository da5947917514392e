import type { LogNote } from '../../core/sharing/shared-storage.js';
import { driverErrorOf, unwrapped } from '../driver-error.js';
import type { CommitLog } from './commit-log.js';
import type { Connection, OpenTransaction } from './connection.js';
import type { Statement } from './statement.js';

/** A commit has failed as a whole: its instance is not known, or not any more. */
export class UnknownWriter extends Error {
  /** What the database has said. */
  readonly driverError: unknown;

  constructor(error: unknown) {
    super('The instance is not known to the database: it has not joined, or was removed.');
    this.driverError = unwrapped(error);
  }
}

/** A commit was not begun: the database behind its connection lacks the last note of the instance. */
export class LastNoteMissing extends Error {
  constructor() {
    super('The database lacks what this instance has committed last: it has gone back to an earlier state.');
  }
}

/** Executes statements and leaves a note of them, in one transaction and as few trips as the database allows. */
export async function writeNoted(
  connection: Connection,
  log: CommitLog,
  statements: Iterable<Statement>,
  note: LogNote,
): Promise<void> {
  await knownWriter(log, () => connection.write(noted(log, statements, note)));
}

/** Leaves a note in a transaction. */
export async function leaveNote(transaction: OpenTransaction, log: CommitLog, note: LogNote): Promise<void> {
  await knownWriter(log, () => transaction.execute(log.note(note)));
}

/** Runs what leaves a note. Throws {@link UnknownWriter} where its writer is not known. */
export async function knownWriter<T>(log: CommitLog | undefined, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw log?.refusesWriter(driverErrorOf(error)) === true ? new UnknownWriter(error) : error;
  }
}

/** The statements of a transaction that ends with a note; a single one is one with it. */
function* noted(log: CommitLog, statements: Iterable<Statement>, note: LogNote): Generator<Statement> {
  let first: Statement | undefined;
  let isLone = true;
  for (const statement of statements) {
    if (first === undefined) {
      first = statement;
      continue;
    }
    if (isLone) yield first;
    isLone = false;
    yield statement;
  }
  const both = first === undefined || !isLone ? undefined : log.withNote?.(first, note, 'always');
  if (both !== undefined) {
    yield both;
    return;
  }
  if (first !== undefined && isLone) yield first;
  yield log.note(note);
}
