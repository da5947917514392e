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
import { exactReadOf, figuresOf, keyPageOf, namesOf, REASONS, type FoundKey } from '../sql/found-rows.js';
import { beginsAll, pageBounds } from '../sql/key-bounds.js';
import type { Statement } from '../sql/statement.js';
import { textOf } from '../sql/stored-row.js';
import { toTimestamp } from '../sql/timestamp.js';
import { conditionsOf } from './key-conditions.js';
import { packetParts } from './packet.js';
import { INSERT, REPLACE } from './upsert.js';

const TABLE = '`cache_storage`';
const ROWS_PER_STATEMENT = 500;
const ALIVE = '(`expires_at` IS NULL OR `expires_at` > ?)';

interface Row {
  readonly key: Buffer | string;
  readonly value: unknown;
  readonly expires_at: unknown;
  readonly timed: string | number;
  readonly us: string | number | null;
}

/** MySQL and MariaDB: keys are bytes, values are texts of the server's making. */
export class MysqlExactRows implements ExactRows {
  /** `maxPacket` gives the server's max_allowed_packet, bytes. */
  constructor(private readonly maxPacket: () => number) {}

  async names(runner: QueryRunner): Promise<NamespaceNames> {
    const found = (await runner.query(
      `SELECT \`namespace\` AS \`text\`, COUNT(*) AS \`count\` FROM ${TABLE} GROUP BY \`namespace\``,
    )) as { text: unknown; count: string | number }[];
    return namesOf(found.map(({ text, count }) => ({ text, raw: undefined, count: Number(count) })));
  }

  async figures(runner: QueryRunner, now: number): Promise<NamespaceFigures[]> {
    const found = (await runner.query(
      'SELECT `namespace` AS `text`, COUNT(*) AS `rows`, SUM(`expires_at` <= ?) AS `expired`, SUM(LENGTH(`value`)) AS `bytes`, ' +
        `${timeOf('MIN(`updated_at`)')} AS \`oldest\`, ${timeOf('MAX(`updated_at`)')} AS \`newest\`, ` +
        `MAX(\`updated_at\` IS NOT NULL) AS \`timed\` FROM ${TABLE} GROUP BY \`namespace\``,
      [now],
    )) as (Record<'text' | 'rows' | 'expired' | 'bytes', unknown> &
      Pick<Row, 'timed'> & { oldest: Row['us']; newest: Row['us'] })[];
    return figuresOf(
      found.map(({ text, rows, expired, bytes, timed, oldest, newest }) => ({
        text,
        rows,
        expired,
        bytes,
        oldest: writtenAtOf({ timed, us: oldest }),
        newest: writtenAtOf({ timed, us: newest }),
      })),
    );
  }

  async keys(runner: QueryRunner, namespace: string, page: LoadPage): Promise<KeyPage> {
    const { limit, now, reverse = false } = page;
    const bounds = pageBounds(page);
    const found = (await runner.query(
      `SELECT \`key\`, MAX(LENGTH(\`value\`)) AS \`size\`, COUNT(*) AS \`copies\`, MAX(\`expires_at\`) AS \`expires_at\`, ` +
        `MAX(\`updated_at\` IS NOT NULL) AS \`timed\`, ${timeOf('MAX(`updated_at`)')} AS \`us\` FROM ${TABLE} ` +
        `WHERE \`namespace\` = ? AND \`key\` IS NOT NULL${conditionsOf(bounds)} AND ${ALIVE} ` +
        `GROUP BY \`key\` ORDER BY \`key\`${reverse ? ' DESC' : ''} LIMIT ?`,
      [namespace, ...bounds.map(({ value }) => value), now, limit],
    )) as (Pick<FoundKey, 'key' | 'size' | 'copies'> & Pick<Row, 'expires_at' | 'timed' | 'us'>)[];
    return keyPageOf(
      found.map(({ key, size, copies, expires_at: expiresAt, timed, us }) => ({
        key,
        raw: undefined,
        size,
        copies,
        expiresAt,
        writtenAt: writtenAtOf({ timed, us }),
      })),
      limit,
      beginsAll(page) ? await keyless(runner, namespace, now) : [],
    );
  }

  async sizes(runner: QueryRunner, namespace: string, keys: readonly string[]): Promise<readonly SizedKey[]> {
    if (keys.length === 0) return [];
    const found = (await runner.query(
      `SELECT \`key\`, LENGTH(\`value\`) AS \`size\` FROM ${TABLE} WHERE \`namespace\` = ? AND \`key\` IN (?)`,
      [namespace, keys],
    )) as { key: Buffer | string; size: string | number }[];
    return found.map(({ key, size }) => ({ key: textOf(key), size: Number(size) }));
  }

  async read(runner: QueryRunner, namespace: string, keys: readonly string[]): Promise<ExactRead> {
    if (keys.length === 0) return { rows: [], refused: [] };
    const found = (await runner.query(
      `SELECT \`key\`, \`value\`, \`expires_at\`, \`updated_at\` IS NOT NULL AS \`timed\`, ${timeOf('`updated_at`')} AS \`us\` ` +
        `FROM ${TABLE} WHERE \`namespace\` = ? AND \`key\` IN (?)`,
      [namespace, keys],
    )) as Row[];
    return exactReadOf(
      found.map(({ key, value, expires_at: expiresAt, timed, us }) => ({
        key: textOf(key),
        value,
        expiresAt,
        writtenAt: writtenAtOf({ timed, us }),
      })),
    );
  }

  store(namespace: string, rows: readonly ExactRow[], stamp: Stamp = 0): Iterable<Statement> {
    const all = rows.map((row) => ({ namespace, ...row }));
    // All of them at the call, so that a row that is too large does not appear in the middle of a transaction.
    return [...packetParts(all, ROWS_PER_STATEMENT, this.maxPacket())].map((part) => ({
      sql: `${INSERT} ? ${REPLACE}`,
      parameters: [
        part.map(({ key, value, expiresAt, writtenAt }) => [
          namespace,
          key,
          value,
          expiresAt,
          typeof writtenAt === 'number' ? toTimestamp(writtenAt) : null,
          stamp,
        ]),
      ],
    }));
  }
}

/** Microseconds since 1970. */
function timeOf(time: string): string {
  return `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${time})`;
}

/** MySQL has invalid times: '0000-00-00'. */
function writtenAtOf({ timed, us }: Pick<Row, 'timed' | 'us'>): ExactRow['writtenAt'] {
  if (us === null) return Number(timed) === 0 ? null : 'unclear';
  return Math.round(Number(us) / 1000);
}

/** In an adopted table: no page has them. */
async function keyless(runner: QueryRunner, namespace: string, now: number): Promise<RefusedRows[]> {
  const [found] = (await runner.query(
    `SELECT COUNT(*) AS \`count\` FROM ${TABLE} WHERE \`namespace\` = ? AND \`key\` IS NULL AND ${ALIVE}`,
    [namespace, now],
  )) as { count: string | number }[];
  const count = Number(found?.count ?? 0);
  return count === 0 ? [] : [{ reason: REASONS.keyNoText, count, keys: ['NULL'] }];
}
