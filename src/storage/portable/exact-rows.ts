import type { DataSource, QueryRunner } from 'typeorm';
import type { LoadPage, Stamp } from '../../core/storage-adapter.js';
import { CacheStorage } from '../cache-storage.entity.js';
import type { ExactRead, ExactRow, KeyPage, NamespaceFigures, SizedKey } from '../listed-storage.js';
import type { ExactRows, NamespaceNames } from '../sql/exact-rows.js';
import { exactReadOf, figuresOf, keyPageOf, namesOf, REASONS } from '../sql/found-rows.js';
import { beginsAll, pageBounds } from '../sql/key-bounds.js';
import { chunksOf } from '../sql/row-order.js';
import type { Statement } from '../sql/statement.js';

/** Rows or keys in one statement. */
const ROWS_PER_STATEMENT = 100;
/** No function for the length of a text exists in every database: a cautious guess, bytes. */
const GUESSED_SIZE = 2 ** 17;

/** Any SQL database of TypeORM's, in the words of its query builder. */
export class PortableExactRows implements ExactRows {
  constructor(private readonly dataSource: DataSource) {}

  async names(runner: QueryRunner): Promise<NamespaceNames> {
    const found = await runner.manager
      .createQueryBuilder(CacheStorage, 'row')
      .select('row.namespace', 'text')
      .addSelect('COUNT(*)', 'count')
      .groupBy('row.namespace')
      .getRawMany<{ text: unknown; count: unknown }>();
    return namesOf(found.map(({ text, count }) => ({ text, raw: undefined, count: Number(count) })));
  }

  /** Without sizes and times: what databases say of those has many forms. */
  async figures(runner: QueryRunner, now: number): Promise<NamespaceFigures[]> {
    const found = await runner.manager
      .createQueryBuilder(CacheStorage, 'row')
      .select('row.namespace', 'text')
      .addSelect('COUNT(*)', 'rows')
      .addSelect('SUM(CASE WHEN row.expiresAt <= :now THEN 1 ELSE 0 END)', 'expired')
      .setParameters({ now })
      .groupBy('row.namespace')
      .getRawMany<Record<'text' | 'rows' | 'expired', unknown>>();
    return figuresOf(
      found.map(({ text, rows, expired }) => ({ text, rows, expired, oldest: 'unclear', newest: 'unclear' })),
    );
  }

  async keys(runner: QueryRunner, namespace: string, page: LoadPage): Promise<KeyPage> {
    const { after, limit, now, reverse = false } = page;
    const alive = runner.manager
      .createQueryBuilder(CacheStorage, 'row')
      .where('row.namespace = :namespace', { namespace })
      .andWhere('(row.expiresAt IS NULL OR row.expiresAt > :now)', { now });
    const query = alive
      .clone()
      .select('row.key', 'key')
      .addSelect('COUNT(*)', 'copies')
      .addSelect('MAX(row.expiresAt)', 'expiresAt')
      .andWhere('row.key IS NOT NULL');
    pageBounds(page).forEach(({ operator, value }, i) =>
      query.andWhere(`row.key ${operator} :bound${i}`, { [`bound${i}`]: value }),
    );
    const found = await query
      .groupBy('row.key')
      .orderBy('row.key', reverse ? 'DESC' : 'ASC')
      .limit(limit)
      .getRawMany<{ key: unknown; copies: unknown; expiresAt: unknown }>();
    // A key that does not come back unchanged can't be a cursor: the rows after it stay unread.
    if (after !== undefined && found.at(-1)?.key === after) {
      const lost = { reason: REASONS.keyNotUtf8, count: 1, keys: [String(after)] };
      return { keys: [], refused: [lost], next: undefined };
    }
    const keyless = beginsAll(page) ? await alive.clone().andWhere('row.key IS NULL').getCount() : 0;
    return keyPageOf(
      found.map(({ key, copies, expiresAt }) => ({
        key,
        raw: undefined,
        size: GUESSED_SIZE,
        copies,
        expiresAt,
        writtenAt: 'unclear',
      })),
      limit,
      keyless === 0 ? [] : [{ reason: REASONS.keyNoText, count: keyless, keys: ['NULL'] }],
    );
  }

  async sizes(
    _runner: QueryRunner,
    _namespace: string,
    keys: readonly string[],
  ): Promise<readonly SizedKey[]> {
    return keys.map((key) => ({ key, size: GUESSED_SIZE }));
  }

  async read(runner: QueryRunner, namespace: string, keys: readonly string[]): Promise<ExactRead> {
    const rows: CacheStorage[] = [];
    for (const part of chunksOf(keys, ROWS_PER_STATEMENT)) {
      const found = await runner.manager
        .createQueryBuilder(CacheStorage, 'row')
        .where('row.namespace = :namespace AND row.key IN (:...keys)', { namespace, keys: part })
        .getMany();
      rows.push(...found);
    }
    return exactReadOf(
      rows.map(({ key, value, expiresAt, updatedAt }) => ({
        key,
        value,
        expiresAt,
        writtenAt: instantOf(updatedAt),
      })),
    );
  }

  /** Replaces a row by a delete and an insert, which every database has. */
  store(namespace: string, rows: readonly ExactRow[], stamp: Stamp = 0): Statement[] {
    const among = `${this.dataSource.driver.escape('key')} IN (:...keys)`;
    return [...chunksOf(rows, ROWS_PER_STATEMENT)].flatMap((part) => {
      const builder = this.dataSource.createQueryBuilder();
      const gone = builder.delete().from(CacheStorage).where({ namespace });
      const stored = this.dataSource
        .createQueryBuilder()
        .insert()
        .into(CacheStorage)
        .values(
          part.map(({ key, value, expiresAt, writtenAt }) => ({
            namespace,
            key,
            value,
            expiresAt,
            updatedAt: typeof writtenAt === 'number' ? new Date(writtenAt) : null,
            version: stamp,
          })),
        )
        .updateEntity(false);
      return [gone.andWhere(among, { keys: part.map(({ key }) => key) }), stored].map((query) => {
        const [sql, parameters] = query.getQueryAndParameters();
        return { sql, parameters };
      });
    });
  }
}

function instantOf(updatedAt: Date | null): ExactRow['writtenAt'] {
  if (updatedAt === null) return null;
  const ms = updatedAt.getTime();
  return Number.isNaN(ms) ? 'unclear' : ms;
}
