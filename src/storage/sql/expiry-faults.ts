import type { QueryRunner } from 'typeorm';
import type { TableFault } from './table-fault.js';

/** Milliseconds are above it since 1973, seconds below it until the year 5138. */
const LEAST_MS = '100000000000';
/** Seconds are above it since 1973. What is below is no instant: 0 stands for never with some programs. */
const LEAST_SECONDS = '100000000';

export const SECONDS_NOTE = `A number below ${LEAST_MS} is taken for seconds since 1970, one below ${LEAST_SECONDS} for never.`;
/** What a conversion takes for granted of a time that names no zone. */
export const ZONE_NOTE =
  'A time without a zone is taken for one in the zone of the session that runs the statement.';

/** The milliseconds that a number in `column` means, as an expression. */
export function inMilliseconds(column: string): string {
  return `CASE WHEN ${column} >= ${LEAST_MS} THEN ${column} WHEN ${column} >= ${LEAST_SECONDS} THEN ${column} * 1000 END`;
}

/**
 * Rows of others that hold seconds: the first purge would take them for rows that expired in 1970. `table` and `column`
 * are quoted.
 */
export async function secondsFaults(
  runner: QueryRunner,
  table: string,
  column: string,
): Promise<TableFault[]> {
  const those = `FROM ${table} WHERE ${column} < ${LEAST_MS}`;
  const found = (await runner.query(`SELECT COUNT(*) AS "rows" ${those}`)) as { rows: number | string }[];
  const count = Number(found[0]?.rows ?? 0);
  if (count === 0) return [];
  return [
    {
      what: `its column expires_at holds ${count === 1 ? 'a number that is' : `${count} numbers that are`} no milliseconds of our time`,
      remedy: `UPDATE ${table} SET ${column} = ${inMilliseconds(column)} WHERE ${column} < ${LEAST_MS};`,
      note: SECONDS_NOTE,
      isUntouchable: true,
    },
  ];
}
