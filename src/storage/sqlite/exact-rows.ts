import type { QueryRunner } from 'typeorm';
import { EVERY_KEY, isEvery, type KeyRange } from '../../core/keys/key-range.js';
import type { LoadPage, Stamp } from '../../core/storage-adapter.js';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import type {
  ExactRead,
  ExactRow,
  KeyPage,
  NamespaceFigures,
  RefusedRows,
  SizedKey,
} from '../listed-storage.js';
import type { ExactRows, NamespaceNames } from '../sql/exact-rows.js';
import { isDoubtful, isTextOf } from '../sql/exact-text.js';
import {
  exactReadOf,
  figuresOf,
  keyPageOf,
  MOST_EXAMPLES,
  namesOf,
  REASONS,
  refusal,
  type FoundKey,
  type FoundRow,
} from '../sql/found-rows.js';
import { chunksOf } from '../sql/row-order.js';
import type { Statement } from '../sql/statement.js';
import { toTimestamp } from '../sql/timestamp.js';
import { beginsAll } from '../sql/key-bounds.js';
import { COLUMNS, REPLACE } from '../sql/upsert.js';
import { instantIn } from './instant-order.js';
import { instantOf } from './instant.js';

/** Rows or keys in one statement, whose text a driver may keep. */
const ROWS_PER_STATEMENT = 100;

const SIZE = `COALESCE(length(CAST("value" AS BLOB)), 0)`;
// Whatever collation an adopted table has, names and keys compare by bytes.
const IN_NAMESPACE = `"namespace" = ? COLLATE BINARY`;
const ALIVE = '("expires_at" IS NULL OR "expires_at" > ?)';

interface Row {
  readonly key: string;
  readonly value: unknown;
  readonly expires_at: unknown;
  readonly updated_at: unknown;
}

/** SQLite accepts any bytes as text, and any type as a value. */
export class SqliteExactRows implements ExactRows {
  async names(runner: QueryRunner): Promise<NamespaceNames> {
    const found = (await runner.query(
      `SELECT "namespace" AS "text", CAST("namespace" AS BLOB) AS "raw", COUNT(*) AS "count" FROM "${CACHE_TABLE}" ` +
        'GROUP BY "namespace" COLLATE BINARY',
    )) as { text: unknown; raw: unknown; count: number }[];
    // A BLOB is never a name, even if its bytes are text.
    return namesOf(
      found.map(({ text, raw, count }) => ({
        text: typeof text === 'string' ? text : undefined,
        raw,
        count,
      })),
    );
  }

  async figures(runner: QueryRunner, now: number): Promise<NamespaceFigures[]> {
    const instant = instantIn('"updated_at"');
    const found = (await runner.query(
      `SELECT "namespace" AS "text", CAST("namespace" AS BLOB) AS "raw", COUNT(*) AS "rows", SUM("expires_at" <= ?) AS "expired", ` +
        `SUM(${SIZE}) AS "bytes", MIN(${instant}) AS "oldest", MAX(${instant}) AS "newest" FROM "${CACHE_TABLE}" ` +
        'GROUP BY "namespace" COLLATE BINARY',
      [now],
    )) as {
      text: unknown;
      raw: unknown;
      rows: number;
      expired: number | null;
      bytes: number;
      oldest: number | null;
      newest: number | null;
    }[];
    // A BLOB is never a name, even if its bytes are text.
    return figuresOf(found.filter(({ text }) => typeof text === 'string'));
  }

  async keys(runner: QueryRunner, namespace: string, page: LoadPage): Promise<KeyPage> {
    const { after, limit, now, range = EVERY_KEY, reverse = false } = page;
    // Keys that are text: in the order of SQLite's types they are between numbers and bytes.
    const behind = after === undefined ? undefined : 'CAST(? AS TEXT) COLLATE BINARY';
    const from = reverse || behind === undefined ? `''` : behind;
    const to = reverse && behind !== undefined ? behind : `X''`;
    const among = within(range);
    const found = (await runner.query(
      `SELECT "key", CAST("key" AS BLOB) AS "raw", MAX(${SIZE}) AS "size", COUNT(*) AS "copies", MAX("expires_at") AS "expires_at", ` +
        `MAX("updated_at") AS "updated_at" FROM "${CACHE_TABLE}" WHERE ${IN_NAMESPACE} ` +
        `AND "key" ${from === `''` ? '>=' : '>'} ${from} AND "key" < ${to} AND ${ALIVE}${among.sql} ` +
        `GROUP BY "key" COLLATE BINARY ORDER BY "key" COLLATE BINARY ${reverse ? 'DESC' : ''} LIMIT ?`,
      [namespace, ...(after === undefined ? [] : [after]), now, ...among.parameters, limit],
    )) as (Pick<FoundKey, 'key' | 'raw' | 'size' | 'copies'> & Pick<Row, 'expires_at' | 'updated_at'>)[];
    return keyPageOf(
      found.map(({ key, raw, size, copies, expires_at: expiresAt, updated_at: updatedAt }) => ({
        key,
        raw,
        size,
        copies,
        expiresAt,
        writtenAt: writtenAtOf(updatedAt),
      })),
      limit,
      beginsAll(page) ? await this.#keyless(runner, namespace, now) : [],
    );
  }

  async sizes(runner: QueryRunner, namespace: string, keys: readonly string[]): Promise<readonly SizedKey[]> {
    return this.#ofKeys<SizedKey>(runner, `"key", ${SIZE} AS "size"`, namespace, keys);
  }

  async read(runner: QueryRunner, namespace: string, keys: readonly string[]): Promise<ExactRead> {
    const columns = '"key", "value", "expires_at", "updated_at"';
    const found = await this.#ofKeys<Row>(runner, columns, namespace, keys);
    const broken = new Set<string>();
    for (const { key, value } of found) {
      if (typeof value !== 'string' || !isDoubtful(value)) continue;
      const [bytes] = await this.#ofKeys<{ raw: Buffer }>(
        runner,
        'CAST("value" AS BLOB) AS "raw"',
        namespace,
        [key],
      );
      if (bytes === undefined || !isTextOf(bytes.raw, value)) broken.add(key);
    }
    const { rows, refused } = exactReadOf(found.filter(({ key }) => !broken.has(key)).map(toFound));
    return { rows, refused: [...refused, ...[...broken].map((key) => refusal(REASONS.valueNotUtf8, key))] };
  }

  /** With parameters: some versions of SQLite's JSON end a text at a NUL. */
  *store(namespace: string, rows: readonly ExactRow[], stamp: Stamp = 0): Generator<Statement> {
    for (const part of chunksOf(rows, ROWS_PER_STATEMENT)) {
      yield {
        sql: `INSERT INTO "${CACHE_TABLE}" ${COLUMNS} VALUES ${part.map(() => '(?, ?, ?, ?, ?, ?)').join(', ')} ${REPLACE}`,
        parameters: part.flatMap(({ key, value, expiresAt, writtenAt }) => [
          namespace,
          key,
          value,
          expiresAt,
          typeof writtenAt === 'number' ? toTimestamp(writtenAt) : null,
          stamp,
        ]),
      };
    }
  }

  /** Rows without a text for a key, in an adopted table: no page has them. */
  async #keyless(runner: QueryRunner, namespace: string, now: number): Promise<RefusedRows[]> {
    const those = `FROM "${CACHE_TABLE}" WHERE ${IN_NAMESPACE} AND typeof("key") <> 'text' AND ${ALIVE}`;
    const [counted] = (await runner.query(`SELECT COUNT(*) AS "count" ${those}`, [namespace, now])) as {
      count: number;
    }[];
    const count = counted?.count ?? 0;
    if (count === 0) return [];
    const examples = (await runner.query(
      `SELECT DISTINCT quote(substr("key", 1, 80)) AS "shown" ${those} LIMIT ${MOST_EXAMPLES}`,
      [namespace, now],
    )) as { shown: string }[];
    return [{ reason: REASONS.keyNoText, count, keys: examples.map(({ shown }) => shown) }];
  }

  async #ofKeys<T>(
    runner: QueryRunner,
    columns: string,
    namespace: string,
    keys: readonly string[],
  ): Promise<T[]> {
    const rows: T[] = [];
    for (const part of chunksOf(keys, ROWS_PER_STATEMENT)) {
      const found = (await runner.query(
        `SELECT ${columns} FROM "${CACHE_TABLE}" WHERE ${IN_NAMESPACE} AND "key" COLLATE BINARY IN (${part.map(() => '?').join(', ')})`,
        [namespace, ...part],
      )) as T[];
      for (const row of found) rows.push(row);
    }
    return rows;
  }
}

function toFound({ key, value, expires_at: expiresAt, updated_at: writtenAt }: Row): FoundRow {
  return { key, value, expiresAt, writtenAt: writtenAtOf(writtenAt) };
}

function writtenAtOf(stored: unknown): ExactRow['writtenAt'] {
  return stored === null ? null : (instantOf(stored) ?? 'unclear');
}

/** Whatever the encoding of the file sorts by, and whatever collation the column has. */
function within(range: KeyRange): { readonly sql: string; readonly parameters: readonly string[] } {
  const { prefix, isWhole } = range;
  if (isWhole) return { sql: ' AND "key" = ? COLLATE BINARY', parameters: [prefix] };
  if (isEvery(range)) return { sql: '', parameters: [] };
  return { sql: ' AND substr("key", 1, length(?)) = ? COLLATE BINARY', parameters: [prefix, prefix] };
}
