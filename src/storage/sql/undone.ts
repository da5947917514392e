import { basicCode, driverErrorOf } from '../driver-error.js';
import { FILE_GONE } from '../sqlite/file.js';
import { answered } from './answered.js';
import { Unsettled } from './counted-rows.js';

/** SQLite's answers that others have the database. */
const BUSY = new Set(['SQLITE_BUSY', 'SQLITE_LOCKED']);

/** Whether a write that threw `error` was rolled back for sure: the database itself has said that it failed, or the commit was not tried. */
export function undone(error: unknown): boolean {
  // What was answered is the question behind the commit.
  if (error instanceof Unsettled) return false;
  const { code = '' } = driverErrorOf(error);
  return code === FILE_GONE || answered(error) || BUSY.has(basicCode(code));
}
