import type { LogNote } from '../../core/sharing/shared-storage.js';
import type { LogPosition } from '../../core/storage-adapter.js';
import type { DriverError } from '../driver-error.js';
import type { CommitLog, NoteRule } from '../sql/commit-log.js';
import type { Statement } from '../sql/statement.js';

const FOREIGN_KEY_VIOLATION = '23503';
/** How long a removal waits for a commit of the instance, ms. */
const PATIENCE_MS = 100;

/** The log on PostgreSQL. `table` is the quoted name of the table of the changes, with its schema. */
export class PostgresLog implements CommitLog {
  readonly impatience = { before: [`SET LOCAL lock_timeout = ${PATIENCE_MS}`], after: [] };
  readonly busy: ReadonlySet<string> = new Set(['55P03', '40P01']);

  constructor(readonly table: () => string) {}

  note({ writer, n, text }: LogNote): Statement {
    return { sql: `${this.#insert} VALUES ($1, $2, $3)`, parameters: [writer, n, text], name: 'note' };
  }

  withNote({ sql, parameters, name }: Statement, { writer, n, text }: LogNote, rule: NoteRule): Statement {
    const [w, i, t] = [1, 2, 3].map((place) => `$${parameters.length + place}`);
    const isSure = rule === 'always';
    return {
      sql:
        `WITH written AS (${sql}${isSure ? '' : ' RETURNING 1'}) ${this.#insert} ` +
        (isSure ? `VALUES (${w}, ${i}, ${t})` : `SELECT ${w}::bigint, ${i}::bigint, ${t}::text FROM written`),
      parameters: [...parameters, writer, n, text],
      ...(name === undefined ? {} : { name: `${name} noted` }),
    };
  }

  /** The server's words may be in any language. The name of the table is not. */
  refusesWriter({ sqlState, message }: DriverError): boolean {
    return sqlState === FOREIGN_KEY_VIOLATION && message.includes('cache_changes');
  }

  /** A range of the primary key for each writer: a plain join would read the whole log. */
  notesSince(positions: readonly LogPosition[], limit: number): Statement[] {
    return [
      {
        sql:
          'SELECT v.writer, c.n, c.changes FROM unnest($1::bigint[], $2::bigint[]) v(writer, n) CROSS JOIN LATERAL ' +
          `(SELECT n, changes FROM ${this.table()} c WHERE c.writer = v.writer AND c.n > v.n ORDER BY c.n LIMIT $3) c`,
        parameters: [positions.map(({ writer }) => writer), positions.map(({ n }) => n), limit],
      },
    ];
  }

  parameter(number: number): string {
    return `$${number}`;
  }

  get #insert(): string {
    return `INSERT INTO ${this.table()} (writer, n, changes)`;
  }
}
