import type { LogNote } from '../../core/sharing/shared-storage.js';
import type { LogPosition } from '../../core/storage-adapter.js';
import type { DriverError } from '../driver-error.js';
import type { Statement } from './statement.js';

/** When a statement that writes rows leaves a note of it: in any case, or if it has changed a row. */
export type NoteRule = 'always' | 'if changed';

/** The log in which each commit says what it changes, in the words of a database that several processes can share. */
export interface CommitLog {
  /** What leaves a note. */
  note(note: LogNote): Statement;
  /**
   * `statement` and its note in one, which is a transaction of its own, and changes a row if `statement` does. `undefined` where it
   * takes a transaction of several.
   */
  withNote?(statement: Statement, note: LogNote, rule: NoteRule): Statement | undefined;
  /**
   * The same for a statement that is to change `count` rows: where it would change fewer, the one of both fails with an error that
   * {@link hasChangedFewer} knows, and nothing has been written.
   */
  withNoteOfAll?(statement: Statement, note: LogNote, count: number): Statement | undefined;
  hasChangedFewer?(error: DriverError): boolean;
  /** What a connection needs before it leaves the first note, where it is not the database that keeps it. */
  readonly preparation?: readonly string[];
  /** Whether a note was refused because its writer is not known. */
  refusesWriter(error: DriverError): boolean;
  /** What gives the notes behind positions, as `writer`, `n` and `changes`, at most `limit` of each writer. */
  notesSince(positions: readonly LogPosition[], limit: number): Iterable<Statement>;
  /** What is to surround a statement that waits for locks a short time only. */
  readonly impatience: { readonly before: readonly string[]; readonly after: readonly string[] };
  /** The driver's codes of what has waited in vain. */
  readonly busy: ReadonlySet<string>;
  /** How the database marks a parameter of a statement, counted from 1. */
  parameter(number: number): string;
}
