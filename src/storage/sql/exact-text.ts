import { isUtf8 } from 'node:buffer';

/** What stands in a text for bytes that are not UTF-8, and may be a character like any other. */
const REPLACEMENT = '\uFFFD';

/** The text that `raw` is, or `given` where the database gives texts alone. `undefined` where it is none. */
export function exactText(given: unknown, raw?: unknown): string | undefined {
  if (Buffer.isBuffer(given)) return isUtf8(given) ? given.toString('utf8') : undefined;
  if (typeof given !== 'string') return undefined;
  return isDoubtful(given) && Buffer.isBuffer(raw) && !isTextOf(raw, given) ? undefined : given;
}

/** Whether the text may be incomplete, so that the bytes have to be checked. */
export function isDoubtful(text: string): boolean {
  return text.includes(REPLACEMENT);
}

/** SQLite keeps texts in the encoding of its file. */
export function isTextOf(bytes: Buffer, text: string): boolean {
  const encoded = Buffer.from(text, 'utf16le');
  return bytes.equals(Buffer.from(text, 'utf8')) || bytes.equals(encoded) || bytes.equals(encoded.swap16());
}
