import type { RowWrite, Stamp } from '../../core/storage-adapter.js';
import { unwrapped } from '../driver-error.js';
import type { Connection } from './connection.js';
import type { Dialect } from './dialect.js';
import { keysByNamespace } from './row-order.js';

/** Rows that a statement has changed where they were what they expected, and how many of them it was. */
export interface CountedRows {
  readonly connection: Connection;
  readonly dialect: Pick<Dialect, 'read'>;
  readonly rows: readonly RowWrite[];
  readonly stamp: Stamp;
  readonly count: number;
}

/** A commit was made, and nobody can tell which of its rows it has written. */
export class Unsettled extends Error {
  /** What the database has said when it was asked. */
  readonly driverError: unknown;

  constructor(error: unknown) {
    super('Nobody can tell which rows a commit has written.');
    this.driverError = unwrapped(error);
  }
}

/**
 * Those that it has left as they were. As a rule that is none, or all of them, and the number says so. Otherwise the winners
 * are those that have the stamp of the commit. Throws {@link Unsettled} where they can't be read, or somebody else has written a winner
 * since: nobody can tell then.
 */
export async function losersOf({
  connection,
  dialect,
  rows,
  stamp,
  count,
}: CountedRows): Promise<ReadonlySet<RowWrite>> {
  if (count === rows.length) return new Set();
  const losers = new Set(rows);
  if (count === 0) return losers;
  for (const [namespace, keys] of keysByNamespace(rows)) {
    const found = await connection
      .read((runner) => dialect.read(runner, namespace, keys))
      .catch((error: unknown) => {
        throw new Unsettled(error);
      });
    const won = new Set(found.filter((row) => row.stamp === stamp).map(({ key }) => key));
    for (const row of rows) if (row.namespace === namespace && won.has(row.key)) losers.delete(row);
  }
  if (rows.length - losers.size !== count)
    throw new Unsettled(
      new Error('Others have written some of these rows since: nobody can tell which of them were won.'),
    );
  return losers;
}
