import { partsOf, type Row } from '../sql/row-order.js';

/** Bytes of a row in a statement besides its texts. */
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
  // Half of it: common rows stay far from the limit.
  return partsOf(rows, maxRows, limit / 2, (row) => {
    const most = sizeOf(row, (text) => 2 * Buffer.byteLength(text));
    // The exact size is computed only near the limit: it has to look at each character.
    if (most > limit && sizeOf(row, escapedBytes) > limit) throw tooLarge(row, limit);
    return most;
  });
}

/** The bytes of `row` in a statement of its own. The server refuses values that are not text. */
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

/** The server would refuse it by ending the connection, so this is thrown before anything is sent. */
function tooLarge({ value }: Row, limit: number): Error {
  return Object.assign(
    new Error(
      `A value of ${Buffer.byteLength(value)} bytes does not fit the server's max_allowed_packet of ${limit} bytes. Raise it, or store smaller values.`,
    ),
    { code: 'ER_NET_PACKET_TOO_LARGE' },
  );
}
