import { statSync } from 'node:fs';
import type { StateQueries } from '../sql/table-state.js';

/** What can be told of a SQLite file: who holds its lock is not among that. */
export function sqliteState(database: string): StateQueries {
  return {
    bytesOnDisk: async () => ['', '-wal', '-shm'].reduce((sum, end) => sum + sizeOf(`${database}${end}`), 0),
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
