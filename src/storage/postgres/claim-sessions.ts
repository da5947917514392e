import type { QueryRunner } from 'typeorm';
import { quotedTable } from '../../../migrations/database-family.js';
import { INSTANCES_TABLE } from '../../../migrations/instance-tables.js';
import type { ClaimSessions } from '../sql/server-claims.js';
import { MARK } from './sessions.js';

/** The first half of the number of our locks; the second one is the table's. */
const LOCK_CLASS = 0x6e_64_63;
const NAME = /^\d+:\d+$/;

/** Of the sessions of other users PostgreSQL tells, without further rights, that they are there, and not when they began. */
const GONE = `
  SELECT w.session FROM unnest($1::text[]) AS w(session) WHERE NOT EXISTS (
    SELECT 1 FROM pg_stat_activity a WHERE a.pid::text = split_part(w.session, ':', 1)
      AND (a.backend_start IS NULL OR ${MARK} = split_part(w.session, ':', 2)))`;

/** By their process ids, and the times at which they began. */
export const postgresClaimSessions: ClaimSessions = {
  async alone(runner, task) {
    await runner.startTransaction();
    try {
      const table = quotedTable(runner.connection, INSTANCES_TABLE);
      await runner.query('SELECT pg_advisory_xact_lock($1, $2::regclass::oid::int4)', [LOCK_CLASS, table]);
      const result = await task();
      await runner.commitTransaction();
      return result;
    } catch (error) {
      await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    }
  },

  nameOf: async (_runner: QueryRunner, { id, mark }) => `${id}:${mark}`,

  async gone(runner, names) {
    const known = names.filter((name) => NAME.test(name));
    const found = (await runner.query(GONE, [known])) as { session: string }[];
    return new Set(found.map(({ session }) => session));
  },
};
