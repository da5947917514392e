import type { Commit, RowWrite, Stamp } from '../../core/storage-adapter.js';
import type { OpenTransaction } from './connection.js';
import type { Dialect } from './dialect.js';
import { keysByNamespace } from './row-order.js';

/**
 * Compare-and-set for a database that lets nobody else write during the transaction: reads the rows, and writes those that are
 * what they are expected to be. Gives the others.
 */
export async function compareLocked(
  dialect: Pick<Dialect, 'lock' | 'statements'>,
  transaction: OpenTransaction,
  rows: readonly RowWrite[],
  commit: Commit,
): Promise<readonly RowWrite[]> {
  const stamps = new Map<string, Map<string, Stamp>>();
  for (const [namespace, keys] of keysByNamespace(rows)) {
    const found = await dialect.lock(transaction, namespace, keys);
    stamps.set(namespace, new Map(found.map(({ key, stamp }) => [key, stamp])));
  }
  const isExpected = ({ namespace, key, expects }: RowWrite): boolean =>
    (stamps.get(namespace)?.get(key) ?? null) === expects;
  const due = rows.filter(isExpected);
  for (const statement of dialect.statements(due, commit)) await transaction.execute(statement);
  return rows.filter((row) => !isExpected(row));
}
