import type { LogNote } from '../../core/sharing/shared-storage.js';
import type { LogPosition } from '../../core/storage-adapter.js';
import { basicCode, type DriverError } from '../driver-error.js';
import type { CommitLog, NoteRule } from '../sql/commit-log.js';
import { noteRanges } from '../sql/note-ranges.js';
import type { Statement, StatementForm } from '../sql/statement.js';
import { NotedForms } from './noted-forms.js';

const TABLE = '"cache_changes"';
const INSERT = `INSERT INTO ${TABLE} (writer, n, changes)`;

/**
 * In a transaction SQLite keeps what a statement of many rows changes, to be able to undo its half: by default, what is more than 64 KiB
 * in a file. Set before there is anything temporary, which this would remove.
 */
const KEEP_IN_MEMORY = 'PRAGMA temp_store = MEMORY';

/** The log on SQLite, with either of its drivers. */
export class SqliteLog implements CommitLog {
  // SQLite itself waits for next to nothing.
  readonly impatience = { before: [], after: [] };
  readonly busy: ReadonlySet<string> = new Set(['SQLITE_BUSY', 'SQLITE_LOCKED']);
  readonly preparation: readonly string[];
  readonly #forms: NotedForms;

  /**
   * `forms` are those that are to be one with their notes: on a driver that works on a thread of its own each statement is a trip. On
   * one that works on this thread a transaction of several costs no more.
   */
  constructor(forms: readonly StatementForm[]) {
    this.#forms = new NotedForms(forms, INSERT);
    this.preparation = [KEEP_IN_MEMORY, ...this.#forms.preparation];
  }

  note({ writer, n, text }: LogNote): Statement {
    return { sql: `${INSERT} VALUES (?, ?, ?)`, parameters: [writer, n, text], name: 'note' };
  }

  withNote(statement: Statement, note: LogNote, rule: NoteRule): Statement | undefined {
    return rule === 'always' ? this.#forms.withNote(statement, 0, note) : undefined;
  }

  withNoteOfAll(statement: Statement, note: LogNote, count: number): Statement | undefined {
    return this.#forms.withNote(statement, count, note);
  }

  hasChangedFewer({ message }: DriverError): boolean {
    return this.#forms.isAboutTooFew(message);
  }

  /** `sqlite3` gives no more than the basic code. The table of the changes has the one foreign key there is. */
  refusesWriter({ code = '', message }: DriverError): boolean {
    return basicCode(code) === 'SQLITE_CONSTRAINT' && /foreign key/i.test(message);
  }

  notesSince(positions: readonly LogPosition[], limit: number): Iterable<Statement> {
    return noteRanges(TABLE, positions, limit);
  }

  parameter(): string {
    return '?';
  }
}
