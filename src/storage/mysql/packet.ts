import { partsOf, type Row } from '../sql/row-order.js';

/** What a row takes in a statement besides its texts. */
const ROW_OVERHEAD = 64;

/**
 * Parts of `rows` that fit a statement and the server's packet of `limit` bytes. Throws for a row that is too large even on
 * its own.
 */
export function packetParts<T extends Row>(
  rows: readonly T[],
  maxRows: number,
  limit: number,
): Iterable<readonly T[]> {
  // Half of it: what is common need not come near the limit.
  return partsOf(rows, maxRows, limit / 2, (row) => {
    const most = sizeOf(row, (text) => 2 * Buffer.byteLength(text));
    // What it takes exactly is looked at only where it matters: to look at each character takes its time.
    if (most > limit && sizeOf(row, escapedBytes) > limit) throw tooLarge(row, limit);
    return most;
  });
}

/** What `row` takes in a statement of its own. What is no text is for the server to refuse. */
function sizeOf(row: Row, bytesOf: (text: string) => number): number {
  const texts: readonly unknown[] = [row.namespace, row.key, row.value];
  return texts.reduce(
    (total: number, text) => total + (typeof text === 'string' ? bytesOf(text) : 0),
    ROW_OVERHEAD * 9,
  );
}

/** mysql2 puts a backslash before some characters. */
function escapedBytes(text: string): number {
  return Buffer.byteLength(text) + (text.match(/[\p{Cc}"'\\]/gu)?.length ?? 0);
}

/** What the server would say, which it does by ending the connection. Thrown before anything is sent. */
function tooLarge({ value }: Row, limit: number): Error {
  return Object.assign(
    new Error(
      `A value of ${Buffer.byteLength(value)} bytes does not fit the server's max_allowed_packet of ${limit} bytes. Raise it, or store smaller values.`,
    ),
    { code: 'ER_NET_PACKET_TOO_LARGE' },
  );
}
