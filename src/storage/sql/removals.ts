import { noteOfRemoval } from '../../core/sharing/note.js';
import type { LogNote } from '../../core/sharing/shared-storage.js';
import { EVERY_KEY, type KeyRange } from '../../core/keys/key-range.js';
import type { Commit } from '../../core/storage-adapter.js';
import type { Connection } from './connection.js';
import type { Dialect } from './dialect.js';
import { leaveNote, writeNoted } from './noted-write.js';

/** Removes every row of a namespace, in one transaction. */
export async function removeAll(
  connection: Connection,
  dialect: Dialect,
  namespace: string,
  commit: Commit,
): Promise<void> {
  const { log } = dialect;
  const note = noteOf(namespace, EVERY_KEY, commit);
  const removal = dialect.clear(namespace);
  if (note === undefined || log === undefined) await connection.write([removal]);
  else await writeNoted(connection, log, [removal], note);
}

/** Removes the rows of a range, in one transaction; gives how many of them had not expired. */
export function removeRange(
  connection: Connection,
  dialect: Dialect,
  {
    namespace,
    range,
    commit,
  }: { readonly namespace: string; readonly range: KeyRange; readonly commit: Commit },
): Promise<number> {
  const { log } = dialect;
  const note = noteOf(namespace, range, commit);
  return connection.transaction(async (transaction) => {
    // Two statements, so that the second one counts what was alive.
    await transaction.execute(dialect.purge(namespace, commit.now, range));
    const removed = await transaction.execute(dialect.clear(namespace, range));
    if (note !== undefined && log !== undefined) await leaveNote(transaction, log, note);
    return removed;
  });
}

function noteOf(namespace: string, range: KeyRange, { stamp, logged }: Commit): LogNote | undefined {
  return logged && { ...logged, text: noteOfRemoval(stamp, namespace, range) };
}
