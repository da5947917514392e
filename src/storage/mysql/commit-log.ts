import type { LogNote } from '../../core/sharing/shared-storage.js';
import type { LogPosition } from '../../core/storage-adapter.js';
import type { DriverError } from '../driver-error.js';
import type { CommitLog, NoteRule } from '../sql/commit-log.js';
import { LOCK_TIMEOUT_S } from '../sql/lock-timeout.js';
import { noteRanges } from '../sql/note-ranges.js';
import type { Statement } from '../sql/statement.js';

const TABLE = '`cache_changes`';
const INSERT = `INSERT INTO ${TABLE} (writer, n, changes)`;
const REFUSED = new Set(['ER_NO_REFERENCED_ROW_2', 'ER_NO_REFERENCED_ROW']);

/** Bytes that a note has at most in one statement with what it is about: both have to fit a packet. */
const NOTE_SHARE = 1 / 8;

export interface MysqlLogOptions {
  /** The server's max_allowed_packet, bytes. */
  readonly maxPacket: () => number;
  /** Whether the server takes blocks of statements outside of procedures: MariaDB does. */
  readonly takesBlocks: () => boolean;
}

/** The log on MySQL and MariaDB. */
export class MysqlLog implements CommitLog {
  readonly impatience = {
    // Whole seconds.
    before: ['SET SESSION innodb_lock_wait_timeout = 1'],
    after: [`SET SESSION innodb_lock_wait_timeout = ${LOCK_TIMEOUT_S}`],
  };
  readonly busy: ReadonlySet<string> = new Set(['ER_LOCK_WAIT_TIMEOUT', 'ER_LOCK_DEADLOCK']);

  constructor(private readonly options: MysqlLogOptions) {}

  note({ writer, n, text }: LogNote): Statement {
    return { sql: `${INSERT} VALUES (?, ?, ?)`, parameters: [writer, n, text], name: 'note' };
  }

  /**
   * A transaction in one trip instead of four. It is one statement to the protocol, which the driver need not be allowed to send
   * several of, and may be prepared. An error in it rolls back before it is told. MySQL has no such statement.
   */
  withNote(
    { sql, parameters, name }: Statement,
    { writer, n, text }: LogNote,
    rule: NoteRule,
  ): Statement | undefined {
    const { maxPacket, takesBlocks } = this.options;
    if (!takesBlocks() || Buffer.byteLength(text) * 2 > maxPacket() * NOTE_SHARE) return undefined;
    const note = `${INSERT} VALUES (?, ?, ?);`;
    return {
      sql:
        'BEGIN NOT ATOMIC DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END; START TRANSACTION; ' +
        `${sql}; ${rule === 'always' ? note : `IF ROW_COUNT() > 0 THEN ${note} END IF;`} COMMIT; END`,
      parameters: [...parameters, writer, n, text],
      ...(name === undefined ? {} : { name: `${name} noted` }),
    };
  }

  refusesWriter({ code = '', message }: DriverError): boolean {
    return REFUSED.has(code) && message.includes(TABLE);
  }

  notesSince(positions: readonly LogPosition[], limit: number): Iterable<Statement> {
    return noteRanges(TABLE, positions, limit);
  }

  parameter(): string {
    return '?';
  }
}
