import type { LoadCursor, LoadedPage, StampedEntry, UnreadableRows } from '../../core/storage-adapter.js';
import { isDoubtful as isDoubtfulText, isTextOf } from './exact-text.js';

/** A row as the drivers give it. */
export interface StoredRow {
  /** The column of an adopted table may hold any type. */
  readonly key: LoadCursor;
  readonly value: string;
  /** Some drivers give a bigint as text, unless the app configured them otherwise. */
  readonly expires_at: number | string | null;
  readonly version: number | string;
}

/** A row of a page. */
export interface PagedRow extends StoredRow {
  /** The bytes of the key, where its text may not be all of it. */
  readonly raw?: Buffer;
}

export const NO_ROWS: UnreadableRows = { count: 0, example: '' };

export function toEntry(row: StoredRow): StampedEntry {
  return entryOf(textOf(row.key), row);
}

function entryOf(key: string, { value, expires_at: expiresAt, version }: StoredRow): StampedEntry {
  return {
    key,
    value,
    expiresAt: expiresAt === null ? null : Number(expiresAt),
    stamp: Number(version),
  };
}

/** mysql2 gives binary columns as bytes. */
export function textOf(key: LoadCursor): string {
  return Buffer.isBuffer(key) ? key.toString('utf8') : String(key);
}

/** Whether the key's text may be incomplete, so that its bytes have to be checked. */
export function isDoubtful({ key }: PagedRow): boolean {
  return typeof key === 'string' && isDoubtfulText(key);
}

/**
 * The page that `rows` are, of a query for `limit` of them in ascending order of key. Rows without a text for a key are
 * left out and counted, beside `unreadable`, which the query has left out already.
 */
export function pageOf(
  rows: readonly PagedRow[],
  limit: number,
  unreadable: UnreadableRows = NO_ROWS,
): LoadedPage {
  const entries: StampedEntry[] = [];
  let { count, example } = unreadable;
  for (const row of rows) {
    const key = readableKey(row);
    if (key === undefined) {
      if (count === 0) example = shown(row.raw ?? row.key);
      count += 1;
    } else {
      entries.push(entryOf(key, row));
    }
  }
  const last = rows.length < limit ? undefined : rows.at(-1);
  return { rows: entries, unreadable: { count, example }, next: last?.raw ?? last?.key };
}

function readableKey({ key, raw }: PagedRow): string | undefined {
  if (typeof key === 'string') return raw === undefined || isTextOf(raw, key) ? key : undefined;
  if (!Buffer.isBuffer(key)) return undefined;
  const text = key.toString('utf8');
  return !isDoubtfulText(text) || isTextOf(key, text) ? text : undefined;
}

function shown(key: LoadCursor): string {
  return key instanceof Uint8Array ? `X'${Buffer.from(key).toString('hex')}'` : String(key);
}
