import type { QueryRunner } from 'typeorm';
import { driverErrorOf } from '../driver-error.js';
import { ALIKE } from '../sql/alike.js';
import type { TableFault } from '../sql/table-fault.js';

/** A character that the encoding of the database lacks. */
const UNTRANSLATABLE = '22P05';

/** Counts how many of the similar texts the columns distinguish: their collation applies to the whole UNION. */
export async function collationFaults(runner: QueryRunner, table: string): Promise<TableFault[]> {
  const tellsApart = (column: string): string =>
    `(SELECT COUNT(*) FROM (SELECT "${column}" FROM ${table} WHERE false UNION SELECT unnest($1::text[])) AS "t")`;
  try {
    const [found] = (await runner.query(
      `SELECT ${tellsApart('namespace')} AS "namespace", ${tellsApart('key')} AS "key"`,
      [ALIKE],
    )) as Record<string, string>[];
    return ['namespace', 'key']
      .filter((column) => Number(found?.[column]) !== ALIKE.length)
      .map((column) => ({
        what: `the collation of its column ${column} takes different texts for the same`,
        column,
        remedy: `ALTER TABLE ${table} ALTER COLUMN "${column}" TYPE text COLLATE "C";`,
      }));
  } catch (error) {
    if (driverErrorOf(error).sqlState !== UNTRANSLATABLE) throw error;
    return [
      {
        what: "the encoding of its database can't hold every text",
        remedy: `CREATE DATABASE "cache" ENCODING 'UTF8' TEMPLATE template0;`,
        isBeyondAdopting: true,
      },
    ];
  }
}

/** A few keys that have several rows. */
export async function repeated(runner: QueryRunner, table: string): Promise<[string, string][]> {
  const rows = (await runner.query(
    `SELECT "namespace"::text, "key"::text FROM ${table} WHERE "namespace" IS NOT NULL AND "key" IS NOT NULL ` +
      'GROUP BY "namespace", "key" HAVING COUNT(*) > 1 ORDER BY "namespace", "key" LIMIT 3',
  )) as { namespace: string; key: string }[];
  return rows.map(({ namespace, key }) => [namespace, key]);
}
