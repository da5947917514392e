import { CHANGES_TABLE, INSTANCES_TABLE } from '../../../migrations/instance-tables.js';
import { CACHE_TABLE } from '../cache-storage.entity.js';
import type { StateQueries } from '../sql/table-state.js';
import { mysqlClaimSessions } from './claim-sessions.js';

/** What MySQL and MariaDB know of the tables of the cache, and of the sessions of its instances. */
export const mysqlState: StateQueries = {
  async bytesOnDisk(runner) {
    const [found] = (await runner.query(
      'SELECT SUM(`data_length` + `index_length`) AS `bytes` FROM information_schema.tables ' +
        'WHERE `table_schema` = DATABASE() AND `table_name` IN (?)',
      [[CACHE_TABLE, INSTANCES_TABLE, CHANGES_TABLE]],
    )) as { bytes: string | number | null }[];
    return Number(found?.bytes ?? 0);
  },
  gone: (runner, sessions) => mysqlClaimSessions.gone(runner, sessions),
};
