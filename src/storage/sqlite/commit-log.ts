import type { LogNote } from '../../core/sharing/shared-storage.js';
import type { LogPosition } from '../../core/storage-adapter.js';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import { basicCode, type DriverError } from '../driver-error.js';
import type { CommitLog, NoteRule } from '../sql/commit-log.js';
import { noteRanges } from '../sql/note-ranges.js';
import type { Statement } from '../sql/statement.js';
import { COLUMNS, REPLACE } from '../sql/upsert.js';

const TABLE = '"cache_changes"';
const INSERT = `INSERT INTO ${TABLE} (writer, n, changes)`;

/** A view that takes a row and the note of it. Both are the connection's own, and gone with it. */
const VIEW = 'cache_put_noted';
const MAKE_VIEW =
  `CREATE TEMP VIEW IF NOT EXISTS ${VIEW} AS SELECT '' AS namespace, '' AS "key", '' AS value, 0 AS expires_at, '' AS updated_at, ` +
  "0 AS version, 0 AS writer, 0 AS n, '' AS changes";
const MAKE_TRIGGER =
  `CREATE TEMP TRIGGER IF NOT EXISTS ${VIEW}_insert INSTEAD OF INSERT ON ${VIEW} BEGIN ` +
  `INSERT INTO "${CACHE_TABLE}" ${COLUMNS} VALUES (NEW.namespace, NEW."key", NEW.value, NEW.expires_at, NEW.updated_at, NEW.version) ` +
  `${REPLACE}; ${INSERT} VALUES (NEW.writer, NEW.n, NEW.changes); END`;

/** The log on SQLite, with either of its drivers. */
export class SqliteLog implements CommitLog {
  // SQLite itself waits for next to nothing.
  readonly impatience = { before: [], after: [] };
  readonly busy: ReadonlySet<string> = new Set(['SQLITE_BUSY', 'SQLITE_LOCKED']);
  readonly preparation: readonly string[];

  /**
   * `works` says where the driver does: on a thread of its own each statement is a trip. Then a lone row and its note are one; on
   * this thread a transaction of several costs less than what such a statement keeps to be able to undo its half.
   */
  constructor(private readonly works: 'on this thread' | 'on another thread') {
    this.preparation = works === 'on this thread' ? [] : [MAKE_VIEW, MAKE_TRIGGER];
  }

  note({ writer, n, text }: LogNote): Statement {
    return { sql: `${INSERT} VALUES (?, ?, ?)`, parameters: [writer, n, text], name: 'note' };
  }

  withNote(statement: Statement, { writer, n, text }: LogNote, rule: NoteRule): Statement | undefined {
    if (this.works === 'on this thread' || rule !== 'always' || statement.name !== 'put 1') return undefined;
    return {
      sql: `INSERT INTO ${VIEW} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      parameters: [...statement.parameters, writer, n, text],
      name: 'put 1 noted',
    };
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
