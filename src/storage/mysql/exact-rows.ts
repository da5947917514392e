import type { QueryRunner } from 'typeorm';
import type { LoadPage } from '../../core/storage-adapter.js';
import type { ExactRead, ExactRow, KeyPage, RefusedRows, SizedKey } from '../listed-storage.js';
import type { ExactRows, NamespaceNames } from '../sql/exact-rows.js';
import { exactReadOf, keyPageOf, namesOf, REASONS, type FoundKey } from '../sql/found-rows.js';
import type { Statement } from '../sql/statement.js';
import { textOf } from '../sql/stored-row.js';
import { toTimestamp } from '../sql/timestamp.js';
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

  async keys(runner: QueryRunner, namespace: string, { after, limit, now }: LoadPage): Promise<KeyPage> {
    const from = after === undefined ? '`key` IS NOT NULL' : '`key` > ?';
    const found = (await runner.query(
      `SELECT \`key\`, MAX(LENGTH(\`value\`)) AS \`size\`, COUNT(*) AS \`copies\` FROM ${TABLE} ` +
        `WHERE \`namespace\` = ? AND ${from} AND ${ALIVE} GROUP BY \`key\` ORDER BY \`key\` LIMIT ?`,
      after === undefined ? [namespace, now, limit] : [namespace, after, now, limit],
    )) as Omit<FoundKey, 'raw'>[];
    return keyPageOf(
      found.map(({ key, size, copies }) => ({ key, raw: undefined, size, copies })),
      limit,
      after === undefined ? await keyless(runner, namespace, now) : [],
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
      "SELECT `key`, `value`, `expires_at`, `updated_at` IS NOT NULL AS `timed`, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', `updated_at`) AS `us` " +
        `FROM ${TABLE} WHERE \`namespace\` = ? AND \`key\` IN (?)`,
      [namespace, keys],
    )) as Row[];
    return exactReadOf(
      found.map(({ key, value, expires_at: expiresAt, timed, us }) => ({
        key: textOf(key),
        value,
        expiresAt,
        // MySQL has invalid times: '0000-00-00'.
        writtenAt: us === null ? (Number(timed) === 0 ? null : 'unclear') : Math.round(Number(us) / 1000),
      })),
    );
  }

  store(namespace: string, rows: readonly ExactRow[]): Iterable<Statement> {
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
          0,
        ]),
      ],
    }));
  }
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
