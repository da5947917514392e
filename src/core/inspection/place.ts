import { CacheError } from '../cache-error.js';
import type { LoadCursor } from '../storage-adapter.js';

/** Where a page ended. */
export interface Place {
  /** The last key that was looked at. */
  readonly key: string;
  /** From where rows are to be read again: those up to the key are passed over. */
  readonly cursor: LoadCursor | undefined;
}

/** A place as text, for whoever comes back with it. */
export function textOfPlace({ key, cursor }: Place): string {
  const written = cursor instanceof Uint8Array ? { bytes: Buffer.from(cursor).toString('base64') } : cursor;
  return Buffer.from(JSON.stringify([key, written ?? null])).toString('base64url');
}

/** The place of such a text. Throws `INVALID_OPTION` for any other. */
export function placeOfText(text: string): Place {
  try {
    const [key, written, ...rest] = JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown[];
    if (typeof key === 'string' && rest.length === 0) return { key, cursor: cursorOf(written) };
  } catch {
    // See below.
  }
  throw new CacheError(
    'INVALID_OPTION',
    'There is no such place: pass what the page before has given as its next one.',
    {
      option: 'after',
    },
  );
}

function cursorOf(written: unknown): LoadCursor | undefined {
  if (written === null) return undefined;
  if (typeof written === 'string' || typeof written === 'number') return written;
  const { bytes } = Object(written) as { readonly bytes?: unknown };
  if (typeof bytes === 'string') return Buffer.from(bytes, 'base64');
  throw new TypeError('That is no cursor.');
}
