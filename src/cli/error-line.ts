import { isCacheError } from '../core/cache-error.js';
import { printable } from './printable.js';

/** An error on one line, with its code. No stack, and no cause: an error of a driver may hold the address it was given. */
export function errorLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = isCacheError(error) ? `${error.code}: ` : '';
  return `${code}${printable(message)}`;
}
