import type { QueryRunner } from 'typeorm';
import { CacheError } from '../src/core/cache-error.js';
import { quotedTable } from './database-family.js';

interface Loss {
  /** What reverting would do to the rows. */
  readonly what: string;
  /** Which rows, as the end of a statement. */
  readonly which: string;
  /** How to keep them: a statement has a line of its own. */
  readonly instead: string;
}

/** Namespaces that a message names. */
const SHOWN = 5;

/** Refuses to revert a migration over rows that are still of use: whoever wants them gone says so to the database. */
export async function refuseToLose(queryRunner: QueryRunner, { what, which, instead }: Loss): Promise<void> {
  const { connection } = queryRunner;
  const namespace = connection.driver.escape('namespace');
  const table = quotedTable(connection);
  const found = (await queryRunner.query(
    `SELECT ${namespace}, COUNT(*) AS "rows" FROM ${table}${which} GROUP BY ${namespace} ORDER BY ${namespace}`,
  )) as { namespace: unknown; rows: number | string }[];
  if (found.length === 0) return;
  const total = found.reduce((sum, { rows }) => sum + Number(rows), 0);
  const shown = found.slice(0, SHOWN).map((row) => `${String(row.namespace)}: ${row.rows}`);
  if (found.length > SHOWN) shown.push('…');
  throw new CacheError(
    'TABLE_NOT_EMPTY',
    `To revert this migration would ${what} ${total} stored ${total === 1 ? 'row' : 'rows'} (${shown.join(', ')}). Nothing was changed. ` +
      `If they may go, run this, and revert again:\nDELETE FROM ${table}${which};\n${instead}`,
  );
}
