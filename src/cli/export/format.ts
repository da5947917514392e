import { CacheError } from '../../core/cache-error.js';
import type { ExactRow } from '../../storage/listed-storage.js';
import { printableJson } from '../printable.js';

/** What the first line of an export says that it is. */
const KIND = 'nestjs-durable-cache';
/** The version that is written, and the only one that is read. */
const VERSION = 1;
/** The longest name of a namespace. */
const LONGEST_NAME = 128;
/** What a `Date` can be. */
const MOST_MS = 8.64e15;

/** A row of an export. */
export interface ExportedRow {
  readonly namespace: string;
  readonly key: string;
  readonly value: string;
  readonly expiresAt: number | null;
  readonly writtenAt: number | null;
}

/** What a line of an export is. */
export type ExportLine =
  | { readonly kind: 'row'; readonly row: ExportedRow }
  /** The last one: how many rows there are before it. */
  | { readonly kind: 'end'; readonly rows: number };

/** The first line: `identity` is that of the database it comes from. */
export function headerLine(identity: string | undefined): string {
  return `${printableJson({ export: KIND, version: VERSION, database: identity ?? null })}\n`;
}

export function rowLine(namespace: string, { key, value, expiresAt, writtenAt }: ExactRow): string {
  const time = writtenAt === 'unclear' ? null : writtenAt;
  return `${printableJson({ namespace, key, value, expiresAt, writtenAt: time })}\n`;
}

/** The last line: without it the file was cut off. */
export function endLine(rows: number): string {
  return `${printableJson({ rows })}\n`;
}

/** Throws `EXPORT_NOT_UNDERSTOOD` unless `text` is the first line of an export of this version. */
export function readHeader(text: string): void {
  const header = objectIn(text);
  if (header?.['export'] !== KIND) {
    throw notUnderstood(1, `it does not begin with {"export":"${KIND}",…}, as what export writes does`);
  }
  if (header['version'] === VERSION) return;
  throw notUnderstood(
    1,
    `its version is ${shown(header['version'])}, and this release reads ${VERSION}: a newer one has written it, so install that`,
  );
}

/** Throws `EXPORT_NOT_UNDERSTOOD` for a line that is neither a row nor the end. */
export function readLine(text: string, number: number): ExportLine {
  const read = objectIn(text);
  if (read === undefined) throw notUnderstood(number, 'it is no JSON object');
  if (Object.keys(read).join() === 'rows') {
    const { rows } = read;
    if (Number.isSafeInteger(rows)) return { kind: 'end', rows: rows as number };
  }
  const { namespace, key, value, expiresAt, writtenAt } = read;
  const wrong =
    (Object.keys(read).toSorted().join() === FIELDS ? undefined : `its fields are not ${FIELDS}`) ??
    (isText(namespace) && namespace.length <= LONGEST_NAME ? undefined : 'namespace is no name of one') ??
    (isText(key) ? undefined : 'key is no text that can be stored') ??
    (typeof value === 'string' && value.isWellFormed() ? undefined : 'value is no text that can be stored') ??
    (isTime(expiresAt) ? undefined : 'expiresAt is neither milliseconds since 1970 nor null') ??
    (isTime(writtenAt) && Math.abs(writtenAt ?? 0) <= MOST_MS
      ? undefined
      : 'writtenAt is neither milliseconds since 1970 nor null');
  if (wrong !== undefined) throw notUnderstood(number, wrong);
  return { kind: 'row', row: { namespace, key, value, expiresAt, writtenAt } as ExportedRow };
}

export function notUnderstood(line: number, what: string): CacheError {
  return new CacheError('EXPORT_NOT_UNDERSTOOD', `Line ${line}: ${what}.`);
}

const FIELDS = ['expiresAt', 'key', 'namespace', 'value', 'writtenAt'].join();

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined;
  }
  return typeof read === 'object' && read !== null && !Array.isArray(read)
    ? (read as Record<string, unknown>)
    : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\0') && value.isWellFormed();
}

function isTime(value: unknown): value is number | null {
  return value === null || Number.isSafeInteger(value);
}

function shown(version: unknown): string {
  return typeof version === 'number' ? String(version) : 'none';
}
