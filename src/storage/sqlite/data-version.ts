import type { QueryRunner } from 'typeorm';
import type { RowQuery } from '../sql/statement.js';

const QUESTION = { sql: 'PRAGMA data_version', parameters: [], name: 'data version' };

/** SQLite's number of what it has seen of a file: on one connection it changes by the commits of others alone. */
export class DataVersion {
  #last: number | undefined;

  constructor(
    private readonly query: RowQuery,
    /** They have. */
    private readonly onChanged: () => void,
  ) {}

  /** Whether others have committed since it was called last. */
  async hasChanged(runner: QueryRunner): Promise<boolean> {
    const [{ data_version: version }] = (await this.query(runner, QUESTION)) as [{ data_version: number }];
    const last = this.#last;
    this.#last = version;
    if (last !== undefined && last !== version) this.onChanged();
    return last !== version;
  }
}
