import { join } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import { mariadbServer, postgresServer, redisServer } from '../support/services.js';
import { fileGround, serverGround, type Ground, type ServerType } from './ground.js';

/** What carries changes between the processes. */
export type Wire = 'notify' | 'redis' | 'poll';

/** A database, and what carries changes beside it. */
export interface Target {
  readonly name: string;
  readonly database: string;
  readonly wire: Wire;
  readonly redis?: string;
  /** A new database, on the server that the tests are given: for measurements, which nothing is to disturb. */
  readonly storage: () => Promise<DataSourceOptions>;
  /** A new database with what can happen to it and to the way there. `isOwn` says whether its servers are to be started for it. */
  readonly ground: (isOwn: boolean) => Promise<Ground>;
}

/** All that there is a server for. Files go to `folder`. */
export async function targetsIn(folder: string): Promise<Target[]> {
  const [postgres, mariadb, redis] = await Promise.all([postgresServer(), mariadbServer(), redisServer()]);
  const withRedis = redis === undefined ? [] : (['redis'] as const);
  const onServer = (
    type: ServerType,
    name: string,
    wire: Wire,
    newDatabase: () => Promise<string>,
  ): Target => ({
    name: `${name}, ${wire}`,
    database: type,
    wire,
    ...(redis === undefined ? {} : { redis }),
    storage: async () => ({ type, url: await newDatabase() }),
    ground: (isOwn) => serverGround({ type, wire, newDatabase, redis, isOwn }),
  });
  let files = 0;
  const onFile = (type: 'sqlite' | 'better-sqlite3', name: string): Target => {
    const storage = async (): Promise<DataSourceOptions> => ({
      type,
      database: join(folder, `${name} ${(files += 1)}.sqlite`),
    });
    return {
      name: `${name}, poll`,
      database: name,
      wire: 'poll',
      storage,
      ground: async () => fileGround(await storage()),
    };
  };
  const onServers = [
    { type: 'postgres', name: 'PostgreSQL', server: postgres, wires: ['notify', ...withRedis, 'poll'] },
    { type: 'mariadb', name: 'MariaDB', server: mariadb, wires: [...withRedis, 'poll'] },
  ] as const;
  return [
    ...onServers.flatMap(({ type, name, server, wires }) =>
      server === undefined ? [] : wires.map((wire) => onServer(type, name, wire, () => server.newDatabase())),
    ),
    onFile('sqlite', 'sqlite3'),
    onFile('better-sqlite3', 'better-sqlite3'),
  ];
}
