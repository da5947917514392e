import { join } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import { mariadbServer, postgresServer, redisServer } from '../support/services.js';

/** What carries changes between the processes. */
type Wire = 'notify' | 'redis' | 'poll';

/** A database, and what carries changes beside it. */
export interface Target {
  readonly name: string;
  readonly database: string;
  readonly wire: Wire;
  readonly redis?: string;
  /** A new database. */
  readonly storage: () => Promise<DataSourceOptions>;
  /** Ends sessions of the database, as an operator or a failover does: those that listen, or one of the others. */
  readonly cut?: (storage: DataSourceOptions, whose: 'listeners' | 'one') => Promise<unknown>;
}

/** All that there is a server for. Files go to `folder`. */
export async function targetsIn(folder: string): Promise<Target[]> {
  const [postgres, mariadb, redis] = await Promise.all([postgresServer(), mariadbServer(), redisServer()]);
  const targets: Target[] = [];
  if (postgres !== undefined) {
    const wires: Wire[] = ['notify', ...(redis === undefined ? [] : (['redis'] as const)), 'poll'];
    for (const wire of wires)
      targets.push({
        name: `PostgreSQL, ${wire}`,
        database: 'postgres',
        wire,
        ...(redis === undefined ? {} : { redis }),
        storage: async () => ({ type: 'postgres', url: await postgres.newDatabase() }),
        cut: (storage, whose) => {
          const { pathname } = new URL((storage as { url: string }).url);
          const which = whose === 'listeners' ? "query LIKE 'LISTEN%'" : 'true ORDER BY random() LIMIT 1';
          return postgres.run(
            'SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity ' +
              `WHERE datname = '${pathname.slice(1)}' AND ${which}) AS those`,
          );
        },
      });
  }
  if (mariadb !== undefined) {
    const wires: Wire[] = [...(redis === undefined ? [] : (['redis'] as const)), 'poll'];
    for (const wire of wires)
      targets.push({
        name: `MariaDB, ${wire}`,
        database: 'mariadb',
        wire,
        ...(redis === undefined ? {} : { redis }),
        storage: async () => ({ type: 'mariadb', url: await mariadb.newDatabase() }),
      });
  }
  let files = 0;
  for (const [type, name] of [
    ['sqlite', 'sqlite3'],
    ['better-sqlite3', 'better-sqlite3'],
  ] as const)
    targets.push({
      name: `${name}, poll`,
      database: name,
      wire: 'poll',
      storage: async () => ({ type, database: join(folder, `${name} ${(files += 1)}.sqlite`) }),
    });
  return targets;
}
