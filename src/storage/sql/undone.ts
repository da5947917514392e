import { basicCode, driverErrorOf } from '../driver-error.js';
import { answered } from './answered.js';

/** SQLite's answers that others have the database. */
const BUSY = new Set(['SQLITE_BUSY', 'SQLITE_LOCKED']);

/** Whether a write that threw `error` was rolled back for sure: the database itself has said that it failed. */
export function undone(error: unknown): boolean {
  return answered(error) || BUSY.has(basicCode(driverErrorOf(error).code ?? ''));
}
