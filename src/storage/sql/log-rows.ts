import type { DataSource, QueryRunner } from 'typeorm';
import { quotedTable } from '../../../migrations/database-family.js';
import { CHANGES_TABLE, INSTANCES_TABLE } from '../../../migrations/instance-tables.js';
import type { Instance, LoggedInstance, LogHead, LogNote } from '../../core/sharing/shared-storage.js';
import type { LogPosition, Writer } from '../../core/storage-adapter.js';
import { basicCode, driverErrorOf } from '../driver-error.js';
import type { CommitLog } from './commit-log.js';
import type { Connection } from './connection.js';
import { query } from './execute.js';
import { InstanceRows, instancesIn } from './instance-rows.js';

/** The quoted names of the tables. */
interface Tables {
  readonly instances: string;
  readonly changes: string;
}

/** A row of the answers, whose numbers some drivers give as text. */
interface FoundHead {
  readonly writer: number | string;
  readonly n: number | string;
  readonly beat: number | string;
}
interface FoundNote {
  readonly writer: number | string;
  readonly n: number | string;
  readonly changes: string;
}

/** The processes that work on the table of the cache, each with the log of its commits. */
export class LogRows {
  readonly #rows: InstanceRows;

  constructor(
    private readonly dataSource: DataSource,
    private readonly connection: Connection,
    private readonly log: CommitLog,
  ) {
    this.#rows = new InstanceRows(dataSource);
  }

  async join(instance: Instance): Promise<void> {
    await this.connection.write([this.#rows.add(instance, '')]);
  }

  /** Makes the connection ready to leave notes. */
  async prepare(): Promise<void> {
    for (const sql of this.log.preparation ?? []) await this.connection.write([{ sql, parameters: [] }]);
  }

  async beat(writer: Writer): Promise<boolean> {
    return (await this.connection.write([this.#rows.beat(writer)])) > 0;
  }

  async leave(writer: Writer): Promise<void> {
    await this.connection.write([this.#rows.stop(writer)]);
  }

  /** Its notes go with it. Gives false where a commit of it, or another removal, holds them. */
  async remove(writer: Writer, beat?: number): Promise<boolean> {
    const { before, after } = this.log.impatience;
    const removal = this.#rows.remove(writer, beat);
    let removed = 0;
    try {
      await this.connection.transaction(async (transaction) => {
        const set = async (settings: readonly string[]): Promise<void> => {
          for (const sql of settings) await transaction.execute({ sql, parameters: [] });
        };
        await set(before);
        try {
          removed = await transaction.execute(removal);
        } finally {
          await set(after);
        }
      });
      return removed > 0 || beat === undefined;
    } catch (error) {
      const { code = '' } = driverErrorOf(error);
      if ([code, basicCode(code)].some((one) => this.log.busy.has(one))) return false;
      throw error;
    }
  }

  async heads(runner: QueryRunner): Promise<LogHead[]> {
    const { instances, changes } = this.#tables;
    const sql =
      `SELECT i.writer, i.beat, COALESCE((SELECT c.n FROM ${changes} c WHERE c.writer = i.writer ORDER BY c.n DESC LIMIT 1), 0) AS n ` +
      `FROM ${instances} i`;
    const found = (await query(runner, { sql, parameters: [] })) as FoundHead[];
    return found.map(({ writer, n, beat }) => ({ writer: Number(writer), n: Number(n), beat: Number(beat) }));
  }

  async instances(runner: QueryRunner): Promise<LoggedInstance[]> {
    const heads = new Map((await this.heads(runner)).map((head) => [head.writer, head]));
    const rows = instancesIn(await query(runner, this.#rows.all()));
    return rows.map(({ writer, mode, about, beat }) => ({
      writer,
      mode,
      about,
      beat,
      n: heads.get(writer)?.n ?? 0,
    }));
  }

  async notesSince(
    runner: QueryRunner,
    positions: readonly LogPosition[],
    limit: number,
  ): Promise<LogNote[]> {
    if (positions.length === 0) return [];
    const notes: LogNote[] = [];
    for (const statement of this.log.notesSince(positions, limit))
      for (const { writer, n, changes } of (await query(runner, statement)) as FoundNote[])
        notes.push({ writer: Number(writer), n: Number(n), text: changes });
    // No database promises the order of what it puts together.
    return notes.sort((a, b) => a.n - b.n);
  }

  async trim({ writer, n }: LogPosition): Promise<void> {
    const [first, second] = [1, 2].map((number) => this.log.parameter(number));
    const sql = `DELETE FROM ${this.#tables.changes} WHERE writer = ${first} AND n <= ${second}`;
    await this.connection.write([{ sql, parameters: [writer, n] }]);
  }

  /** Their schema is known once the connection is open. */
  get #tables(): Tables {
    return {
      instances: quotedTable(this.dataSource, INSTANCES_TABLE),
      changes: quotedTable(this.dataSource, CHANGES_TABLE),
    };
  }
}
