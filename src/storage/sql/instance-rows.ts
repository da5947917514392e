import type { DataSource } from 'typeorm';
import { quotedTable } from '../../../migrations/database-family.js';
import { CHANGES_TABLE, INSTANCES_TABLE } from '../../../migrations/instance-tables.js';
import type { Instance } from '../../core/sharing/shared-storage.js';
import type { LogPosition, Writer } from '../../core/storage-adapter.js';
import type { Statement } from './statement.js';

/** The beat of an instance that has stopped. */
const STOPPED = -1;
/** What the column takes. */
const LONGEST_ABOUT = 255;

/** An instance as its row has it. */
export interface InstanceRow extends Instance {
  readonly session: string;
  readonly beat: number;
}

/** The statements on the table of the instances, and what is asked of the logs for them. */
export class InstanceRows {
  constructor(private readonly dataSource: DataSource) {}

  all(): Statement {
    return { sql: `SELECT writer, mode, session, about, beat FROM ${this.#table}`, parameters: [] };
  }

  add({ writer, mode, about }: Instance, session: string): Statement {
    const sql = `INSERT INTO ${this.#table} (writer, mode, session, about, beat) VALUES ${this.#marks(4, ', 0')}`;
    return { sql, parameters: [writer, mode, session, about.slice(0, LONGEST_ABOUT)] };
  }

  /** Counts the beat of an instance that has not stopped up; with `session` it says where it lives now. */
  beat(writer: Writer, session?: string): Statement {
    const [first, second] = this.#parameters(2);
    const counted = `UPDATE ${this.#table} SET beat = beat + 1`;
    return session === undefined
      ? { sql: `${counted} WHERE writer = ${first} AND beat <> ${STOPPED}`, parameters: [writer] }
      : {
          sql: `${counted}, session = ${first} WHERE writer = ${second} AND beat <> ${STOPPED}`,
          parameters: [session, writer],
        };
  }

  stop(writer: Writer): Statement {
    const [mark] = this.#parameters(1);
    return {
      sql: `UPDATE ${this.#table} SET beat = ${STOPPED} WHERE writer = ${mark}`,
      parameters: [writer],
    };
  }

  /** Removes an instance, with its log; with `beat` only where its beat is that. */
  remove(writer: Writer, beat?: number): Statement {
    const [first, second] = this.#parameters(2);
    const sql = `DELETE FROM ${this.#table} WHERE writer = ${first}`;
    return beat === undefined
      ? { sql, parameters: [writer] }
      : { sql: `${sql} AND beat = ${second}`, parameters: [writer, beat] };
  }

  removeAll(): Statement {
    return { sql: `DELETE FROM ${this.#table}`, parameters: [] };
  }

  /** Gives a row where a note is there. */
  note({ writer, n }: LogPosition): Statement {
    const [first, second] = this.#parameters(2);
    const changes = quotedTable(this.dataSource, CHANGES_TABLE);
    return {
      sql: `SELECT n FROM ${changes} WHERE writer = ${first} AND n = ${second}`,
      parameters: [writer, n],
    };
  }

  get #table(): string {
    return quotedTable(this.dataSource, INSTANCES_TABLE);
  }

  #parameters(count: number): string[] {
    const isNumbered = this.dataSource.options.type === 'postgres';
    return Array.from({ length: count }, (_, i) => (isNumbered ? `$${i + 1}` : '?'));
  }

  #marks(count: number, rest: string): string {
    return `(${this.#parameters(count).join(', ')}${rest})`;
  }
}

/** What {@link InstanceRows.all} gives, whatever the driver makes of large numbers. */
export function instancesIn(rows: readonly unknown[]): InstanceRow[] {
  return (rows as Record<keyof InstanceRow, unknown>[]).map(({ writer, mode, session, about, beat }) => ({
    writer: Number(writer),
    // What a later version may call its own is beside others, as far as this one knows.
    mode: mode === 'many' ? 'many' : 'one',
    session: String(session),
    about: String(about),
    beat: Number(beat),
  }));
}

export function hasStopped({ beat }: InstanceRow): boolean {
  return beat === STOPPED;
}
