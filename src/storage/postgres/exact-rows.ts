import type { QueryRunner } from 'typeorm';
import type { LoadPage, Stamp } from '../../core/storage-adapter.js';
import type {
  ExactRead,
  ExactRow,
  KeyPage,
  NamespaceFigures,
  RefusedRows,
  SizedKey,
} from '../listed-storage.js';
import type { ExactRows, NamespaceNames } from '../sql/exact-rows.js';
import { exactText } from '../sql/exact-text.js';
import {
  exactReadOf,
  figuresOf,
  keyPageOf,
  namesOf,
  REASONS,
  refusal,
  type FoundKey,
  type FoundRow,
} from '../sql/found-rows.js';
import { beginsAll, pageBounds } from '../sql/key-bounds.js';
import type { Statement } from '../sql/statement.js';
import { COLUMNS, REPLACE } from '../sql/upsert.js';
import { conditionsOf } from './key-conditions.js';

const ALIVE = '("expires_at" IS NULL OR "expires_at" > $2)';
/** The latest and earliest times that JavaScript has. */
const MOST_MS = 8.64e15;

interface Row {
  readonly key: unknown;
  readonly value: unknown;
  readonly expires_at: unknown;
  readonly ms: string | number | null;
}

/** PostgreSQL. `table` is the quoted name of the table, with its schema. */
export class PostgresExactRows implements ExactRows {
  #takesAnyBytes: boolean | undefined;

  constructor(private readonly table: () => string) {}

  async names(runner: QueryRunner): Promise<NamespaceNames> {
    const text = await this.#exactly(runner, 'namespace');
    const found = (await runner.query(
      `SELECT ${text} AS "text", COUNT(*) AS "count" FROM ${this.table()} GROUP BY "namespace"`,
    )) as { text: unknown; count: string }[];
    return namesOf(found.map((one) => ({ text: one.text, raw: undefined, count: Number(one.count) })));
  }

  async figures(runner: QueryRunner, now: number): Promise<NamespaceFigures[]> {
    const text = await this.#exactly(runner, 'namespace');
    const found = (await runner.query(
      `SELECT ${text} AS "text", COUNT(*) AS "rows", COUNT(*) FILTER (WHERE "expires_at" <= $1) AS "expired", ` +
        `SUM(octet_length("value")) AS "bytes", ${msOf('MIN("updated_at")')} AS "oldest", ${msOf('MAX("updated_at")')} AS "newest" ` +
        `FROM ${this.table()} GROUP BY "namespace"`,
      [now],
    )) as {
      text: unknown;
      rows: string;
      expired: string;
      bytes: string | null;
      oldest: Row['ms'];
      newest: Row['ms'];
    }[];
    return figuresOf(
      found.map(({ text: name, rows, expired, bytes, oldest, newest }) => ({
        text: name,
        rows,
        expired,
        bytes,
        oldest: instantOf(oldest),
        newest: instantOf(newest),
      })),
    );
  }

  async keys(runner: QueryRunner, namespace: string, page: LoadPage): Promise<KeyPage> {
    const { limit, now, reverse = false } = page;
    const text = await this.#exactly(runner, 'key');
    const bounds = pageBounds(page);
    const found = (await runner.query(
      `SELECT ${text} AS "found", MAX(octet_length("value")) AS "size", COUNT(*) AS "copies", MAX("expires_at") AS "expires_at", ` +
        `${msOf('MAX("updated_at")')} AS "ms" FROM ${this.table()} ` +
        `WHERE "namespace" = $1 AND "key" IS NOT NULL AND ${ALIVE}${conditionsOf(bounds, 4)} ` +
        `GROUP BY "key" ORDER BY "key" COLLATE "C"${reverse ? ' DESC' : ''} LIMIT $3`,
      [namespace, now, limit, ...bounds.map(({ value }) => value)],
    )) as (Pick<FoundKey, 'size' | 'copies'> & Pick<Row, 'expires_at' | 'ms'> & { found: unknown })[];
    return keyPageOf(
      found.map(({ found: key, size, copies, expires_at: expiresAt, ms }) => ({
        key,
        raw: undefined,
        size,
        copies,
        expiresAt,
        writtenAt: instantOf(ms),
      })),
      limit,
      beginsAll(page) ? await this.#keyless(runner, namespace, now) : [],
    );
  }

  async sizes(runner: QueryRunner, namespace: string, keys: readonly string[]): Promise<readonly SizedKey[]> {
    return (await runner.query(
      `SELECT "key", octet_length("value") AS "size" FROM ${this.table()} WHERE "namespace" = $1 AND "key" = ANY($2::text[])`,
      [namespace, keys],
    )) as SizedKey[];
  }

  async read(runner: QueryRunner, namespace: string, keys: readonly string[]): Promise<ExactRead> {
    const value = await this.#exactly(runner, 'value');
    const found = (await runner.query(
      `SELECT "key", ${value} AS "value", "expires_at", ${msOf('"updated_at"')} AS "ms" FROM ${this.table()} ` +
        'WHERE "namespace" = $1 AND "key" = ANY($2::text[])',
      [namespace, keys],
    )) as Row[];
    const texts: FoundRow[] = [];
    const broken: RefusedRows[] = [];
    for (const row of found) {
      const text = exactText(row.value);
      const key = String(row.key);
      if (text === undefined && Buffer.isBuffer(row.value)) broken.push(refusal(REASONS.valueNotUtf8, key));
      else texts.push({ key, value: text, expiresAt: row.expires_at, writtenAt: instantOf(row.ms) });
    }
    const { rows, refused } = exactReadOf(texts);
    return { rows, refused: [...refused, ...broken] };
  }

  *store(namespace: string, rows: readonly ExactRow[], stamp: Stamp = 0): Generator<Statement> {
    const json = JSON.stringify(
      rows.map(({ key: k, value: v, expiresAt: e, writtenAt }) => ({
        k,
        v,
        e,
        w: typeof writtenAt === 'number' ? writtenAt : null,
      })),
    );
    yield {
      sql:
        `INSERT INTO ${this.table()} ${COLUMNS} ` +
        'SELECT $2, r.k, r.v, r.e, to_timestamp(r.w / 1000.0), $3::bigint ' +
        `FROM json_to_recordset($1::json) AS r(k text, v text, e bigint, w double precision) ${REPLACE}`,
      parameters: [json, namespace, stamp],
    };
  }

  /** In an adopted table: no page has them. */
  async #keyless(runner: QueryRunner, namespace: string, now: number): Promise<RefusedRows[]> {
    const [found] = (await runner.query(
      `SELECT COUNT(*) AS "count" FROM ${this.table()} WHERE "namespace" = $1 AND "key" IS NULL AND ${ALIVE}`,
      [namespace, now],
    )) as { count: string }[];
    const count = Number(found?.count ?? 0);
    return count === 0 ? [] : [{ reason: REASONS.keyNoText, count, keys: ['NULL'] }];
  }

  /** A column as the server holds it. With the encoding SQL_ASCII it accepts any bytes as text, and refuses to send them so. */
  async #exactly(runner: QueryRunner, column: string): Promise<string> {
    if (this.#takesAnyBytes === undefined) {
      const [shown] = (await runner.query('SHOW server_encoding')) as { server_encoding: string }[];
      this.#takesAnyBytes = shown?.server_encoding === 'SQL_ASCII';
    }
    return this.#takesAnyBytes ? `convert_to("${column}", getdatabaseencoding())` : `"${column}"`;
  }
}

/** Wall-clock ms of a time. */
function msOf(time: string): string {
  return `EXTRACT(EPOCH FROM ${time}) * 1000`;
}

/** PostgreSQL has infinite times, and times beyond those of JavaScript. */
function instantOf(ms: string | number | null): ExactRow['writtenAt'] {
  if (ms === null) return null;
  const rounded = Math.round(Number(ms));
  return Math.abs(rounded) <= MOST_MS ? rounded : 'unclear';
}
