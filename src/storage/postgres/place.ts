import type { QueryRunner } from 'typeorm';
import type { Place } from '../listed-storage.js';
import { CACHE_APPLICATION } from '../sql/server-options.js';

/**
 * A table is identified by its number in the database, the database by its number in the cluster, and the cluster by its
 * start time. A table that does not exist yet has no place.
 */
const WHERE = `
  SELECT extract(epoch FROM pg_postmaster_start_time())::text AS "server", d.oid::text AS "database",
    COALESCE(to_regclass($1)::oid::text, 'none') AS "table",
    (SELECT COUNT(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND a.application_name = $2) AS "caches"
  FROM pg_database d WHERE d.datname = current_database()`;

/** The place of `table`, which is quoted. The caller's own sessions have another application name. */
export async function placeOnPostgres(runner: QueryRunner, table: string): Promise<Place> {
  const [found] = (await runner.query(WHERE, [table, CACHE_APPLICATION])) as [
    { server: string; database: string; table: string; caches: string },
  ];
  const identity = `postgres ${found.server} ${found.database} ${found.table === 'none' ? table : found.table}`;
  return { identity, caches: Number(found.caches), others: 0 };
}
