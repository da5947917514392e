import type { DataSource } from 'typeorm';
import { quotedTable } from '../../../migrations/database-family.js';
import { CHANGES_TABLE, INSTANCES_TABLE } from '../../../migrations/instance-tables.js';
import type { StateQueries } from '../sql/table-state.js';
import { postgresClaimSessions } from './claim-sessions.js';

/** What PostgreSQL knows of the tables of the cache, and of the sessions of its instances. */
export function postgresState(dataSource: DataSource): StateQueries {
  return {
    async bytesOnDisk(runner) {
      const tables = [undefined, INSTANCES_TABLE, CHANGES_TABLE].map((name) => quotedTable(dataSource, name));
      const [found] = (await runner.query(
        'SELECT SUM(pg_total_relation_size(to_regclass(t))) AS "bytes" FROM unnest($1::text[]) AS u(t)',
        [tables],
      )) as { bytes: string | null }[];
      return Number(found?.bytes ?? 0);
    },
    gone: (runner, sessions) => postgresClaimSessions.gone(runner, sessions),
    // The second half of its name: microseconds since 1970.
    sinceOf(session) {
      const us = Number(session.split(':')[1]);
      return Number.isSafeInteger(us) ? Math.floor(us / 1000) : undefined;
    },
  };
}
