import { constants } from 'node:buffer';
import type { LoadCursor } from '../../core/storage-adapter.js';
import type {
  ExactRead,
  ExactRow,
  KeyPage,
  ListedKey,
  NamespaceFigures,
  RefusedRows,
} from '../listed-storage.js';
import type { NamespaceNames } from './exact-rows.js';
import { exactText } from './exact-text.js';

/** Why a row can't be carried over. */
export const REASONS = {
  stray: 'the namespace is no text',
  keyNoText: 'the key is no text',
  keyNotUtf8: 'the key is not UTF-8',
  keyTwice: 'several rows have the same key',
  valueBytes: 'the value is bytes (BLOB), not text',
  valueNoText: 'the value is no text',
  valueNotUtf8: 'the value is not UTF-8',
  valueTooLong: 'the value is longer than a text in this process can be',
  expiry: 'the expiry is no whole number of milliseconds',
} as const;

/** Examples that a refusal is told with. */
export const MOST_EXAMPLES = 3;

export function refusal(reason: string, ...keys: readonly string[]): RefusedRows {
  return { reason, count: keys.length, keys: keys.slice(0, MOST_EXAMPLES) };
}

/** Names of namespaces as the database gives them, `raw` being the bytes of a text. */
export function namesOf(
  found: readonly { readonly text: unknown; readonly raw: unknown; readonly count: number }[],
): NamespaceNames {
  const names: string[] = [];
  const stray: RefusedRows[] = [];
  for (const { text, raw, count } of found) {
    const name = exactText(text, raw);
    if (name === undefined) stray.push({ reason: REASONS.stray, count, keys: [shown(raw ?? text)] });
    else names.push(name);
  }
  return { names: names.sort(), stray };
}

export interface FoundKey {
  readonly key: unknown;
  /** The bytes of the key, where its text may not be all of it. */
  readonly raw: unknown;
  readonly size: unknown;
  /** How many rows have the key. */
  readonly copies: unknown;
  readonly expiresAt: unknown;
  readonly writtenAt: ExactRow['writtenAt'];
}

/** The page that `found` are, of a query for `limit` keys, beside what the query has left out. */
export function keyPageOf(
  found: readonly FoundKey[],
  limit: number,
  leftOut: readonly RefusedRows[] = [],
): KeyPage {
  const keys: ListedKey[] = [];
  const refused = [...leftOut];
  for (const { key, raw, size, copies, expiresAt, writtenAt } of found) {
    const text = exactText(key, raw);
    const count = Number(copies);
    const bytes = Number(size);
    if (text === undefined) {
      const reason = typeof key === 'string' || Buffer.isBuffer(key) ? REASONS.keyNotUtf8 : REASONS.keyNoText;
      refused.push({ reason, count, keys: [shown(raw ?? key)] });
    } else if (count > 1) refused.push({ reason: REASONS.keyTwice, count, keys: [text] });
    else if (bytes > constants.MAX_STRING_LENGTH) refused.push(refusal(REASONS.valueTooLong, text));
    else
      keys.push({ key: text, size: bytes, expiresAt: expiryOf(expiresAt) ?? unclear(expiresAt), writtenAt });
  }
  const last = found.length < limit ? undefined : found.at(-1);
  return { keys, refused, next: (last?.raw ?? last?.key) as LoadCursor | undefined };
}

export interface FoundRow {
  readonly key: string;
  readonly value: unknown;
  readonly expiresAt: unknown;
  readonly writtenAt: ExactRow['writtenAt'];
}

/** Sorts what can be carried over from what can't. */
export function exactReadOf(found: Iterable<FoundRow>): ExactRead {
  const rows: ExactRow[] = [];
  const refused: RefusedRows[] = [];
  for (const { key, value, expiresAt: given, writtenAt } of found) {
    const expiresAt = expiryOf(given);
    if (typeof value !== 'string') {
      const isBytes = value instanceof Uint8Array;
      refused.push(refusal(isBytes ? REASONS.valueBytes : REASONS.valueNoText, key));
    } else if (expiresAt === undefined) refused.push(refusal(REASONS.expiry, key));
    else rows.push({ key, value, expiresAt, writtenAt });
  }
  return { rows, refused };
}

function unclear(expiresAt: unknown): null | 'unclear' {
  return expiresAt === null || expiresAt === undefined ? null : 'unclear';
}

/** What a database says of a namespace; rows whose namespace is no text are told of elsewhere. */
export interface FoundFigures {
  readonly text: unknown;
  /** The bytes of the name, where its text may not be all of it. */
  readonly raw?: unknown;
  readonly rows: unknown;
  readonly expired: unknown;
  readonly bytes?: unknown;
  readonly oldest: ExactRow['writtenAt'];
  readonly newest: ExactRow['writtenAt'];
}

export function figuresOf(found: readonly FoundFigures[]): NamespaceFigures[] {
  const figures: NamespaceFigures[] = [];
  for (const { text, raw, rows, expired, bytes, oldest, newest } of found) {
    const namespace = exactText(text, raw);
    if (namespace === undefined) continue;
    figures.push({
      namespace,
      rows: Number(rows),
      expired: Number(expired ?? 0),
      bytes: bytes === undefined ? undefined : Number(bytes ?? 0),
      oldest,
      newest,
    });
  }
  return figures.sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
}

function expiryOf(given: unknown): number | null | undefined {
  if (given === null || given === undefined) return null;
  const isWhole = typeof given === 'number' || (typeof given === 'string' && /^-?\d+$/.test(given));
  return isWhole && Number.isSafeInteger(Number(given)) ? Number(given) : undefined;
}

function shown(key: unknown): string {
  if (key instanceof Uint8Array) return `X'${Buffer.from(key).toString('hex').toUpperCase()}'`;
  return typeof key === 'string' || typeof key === 'number' ? String(key) : 'NULL';
}
