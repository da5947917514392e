import { createHash } from 'node:crypto';
import type { QueryRunner } from 'typeorm';
import type { ClaimSessions } from '../sql/server-claims.js';

/** How long one that joins waits for another one that does, s. */
const LOCK_WAIT_S = 5;
const LOCK = "CONCAT('durable-cache:join:', MD5(DATABASE()))";
/** Common versions of MariaDB have no identity of a server. */
const SERVER = "SELECT CONCAT_WS(' ', @@hostname, @@port, @@server_id, @@datadir) AS `server`";
const SHORT_HASH = 12;

/**
 * By the named lock that each of our sessions holds: who has the right to nothing else may still ask whether somebody has it, and a
 * restart of the server, which counts connections anew, ends it. A server knows its own locks only: of a session on another
 * one, in a cluster or after a fail-over, nothing is known.
 */
export const mysqlClaimSessions: ClaimSessions = {
  async alone(runner, task) {
    const [lock] = (await runner.query(`SELECT GET_LOCK(${LOCK}, ${LOCK_WAIT_S}) AS \`held\``)) as [
      { held: number | string | null },
    ];
    if (Number(lock.held) !== 1)
      throw Object.assign(new Error('Another instance that starts holds the lock for that.'), {
        code: 'JOIN_LOCKED',
        sqlState: 'HY000',
      });
    try {
      await runner.startTransaction();
      try {
        const result = await task();
        await runner.commitTransaction();
        return result;
      } catch (error) {
        await runner.rollbackTransaction().catch(() => undefined);
        throw error;
      }
    } finally {
      await runner.query(`DO RELEASE_LOCK(${LOCK})`).catch(() => undefined);
    }
  },

  nameOf: async (runner, { mark }) => `${await serverOf(runner)}:${mark}`,

  async gone(runner, names) {
    const here = `${await serverOf(runner)}:`;
    const found = new Set<string>();
    for (const name of names) {
      if (!name.startsWith(here)) continue;
      const [lock] = (await runner.query('SELECT IS_USED_LOCK(?) AS `id`', [name.slice(here.length)])) as [
        { id: number | string | null },
      ];
      if (lock.id === null) found.add(name);
    }
    return found;
  },
};

async function serverOf(runner: QueryRunner): Promise<string> {
  const [found] = (await runner.query(SERVER)) as [{ server: string }];
  return createHash('sha256').update(found.server).digest('hex').slice(0, SHORT_HASH);
}
