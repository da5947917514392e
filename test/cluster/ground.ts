import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { PrivateServer } from '../support/private-server.js';
import { privateMariadb } from '../support/private-mariadb.js';
import { privatePostgres } from '../support/private-postgres.js';
import { privateRedis } from '../support/private-redis.js';
import { RoughNetwork, type Lane } from './rough-network.js';
import type { Wire } from './targets.js';

export type ServerType = 'postgres' | 'mariadb';

/** Something that happens to the servers, or on the way there. */
export interface Mishap {
  readonly kind: 'cut' | 'slow' | 'swallow' | 'restart';
  /** Resolves when it is over. */
  readonly happen: () => Promise<unknown>;
}

/** A new database for a campaign, and what can happen to it and on the way there. */
export interface Ground {
  /** As the processes reach it. */
  readonly storage: DataSourceOptions;
  /** As it is when nothing happens. */
  readonly undisturbed: DataSourceOptions;
  readonly redis?: string;
  readonly mishaps: readonly Mishap[];
  close(): Promise<void>;
}

interface ServerGroundOptions {
  readonly type: ServerType;
  readonly wire: Wire;
  /** On the server that the tests are given. */
  readonly newDatabase: () => Promise<string>;
  readonly redis: string | undefined;
  readonly isOwn: boolean;
}

/** Four processes have five connections each, and those that were killed keep theirs for a while. */
const CONNECTIONS = 100;
/** How much later pieces come on a slow network, and for how long that lasts, ms. */
const SLOW_MS = 100;
const SLOW_FOR_MS = 2000;
/** How long a statement is waited for of which the network has swallowed the answer, ms: less than by default, so that more happens. */
const GIVE_UP_MS = 5000;
/** For how long a network swallows what is sent, ms. */
const SILENT_MS = 2500;

/** What can't happen to a file happens to the processes alone. */
export function fileGround(storage: DataSourceOptions): Ground {
  return { storage, undisturbed: storage, mishaps: [], close: () => Promise.resolve() };
}

/** A database on a server behind a network, with servers of its own where they are installed and `isOwn`: those are restarted. */
export async function serverGround(options: ServerGroundOptions): Promise<Ground> {
  const { type, wire, newDatabase, redis, isOwn } = options;
  const server = isOwn ? await ownServer(type) : undefined;
  const ownRedis = isOwn && wire === 'redis' ? await privateRedis() : undefined;
  const url = server?.url ?? (await newDatabase());
  const network = await RoughNetwork.before(url, 'database');
  const redisUrl = wire === 'redis' ? (ownRedis?.url ?? redis) : undefined;
  const redisNetwork = redisUrl === undefined ? undefined : await RoughNetwork.before(redisUrl, 'wire');
  const undisturbed: DataSourceOptions = { type, url };
  const wireNetwork = wire === 'notify' ? network : redisNetwork;
  return {
    storage: { type, url: network.through(url), extra: { query_timeout: GIVE_UP_MS } },
    undisturbed,
    ...(redisUrl === undefined || redisNetwork === undefined
      ? {}
      : { redis: redisNetwork.through(redisUrl) }),
    mishaps: [
      ...(wire === 'notify' ? [cut(() => endSessions(undisturbed, LISTENERS))] : []),
      cut(() => endSessions(undisturbed, ANY[type])),
      ...mishapsOf(network, 'database'),
      ...(wireNetwork === undefined ? [] : mishapsOf(wireNetwork, 'wire')),
      ...(server === undefined ? [] : restarts(server, [STOP[type], 'SIGKILL'])),
      ...(ownRedis === undefined ? [] : restarts(ownRedis, ['SIGKILL'])),
    ],
    close: async () => {
      await Promise.all([network.close(), redisNetwork?.close()]);
      await Promise.all([server?.remove(), ownRedis?.remove()]);
    },
  };
}

function ownServer(type: ServerType): Promise<PrivateServer | undefined> {
  return type === 'postgres' ? privatePostgres(CONNECTIONS) : privateMariadb();
}

function mishapsOf(network: RoughNetwork, lane: Lane): Mishap[] {
  const lasting = async (end: () => void, ms: number): Promise<void> => {
    await delay(ms);
    end();
  };
  return [
    cut(async () => network.cut(lane)),
    { kind: 'slow', happen: () => lasting(network.slow(lane, SLOW_MS), SLOW_FOR_MS) },
    { kind: 'swallow', happen: () => lasting(network.swallow(lane), SILENT_MS) },
  ];
}

function cut(happen: Mishap['happen']): Mishap {
  return { kind: 'cut', happen };
}

/** One after the other, however soon they come: a server that is started twice would be left behind. */
function restarts(server: PrivateServer, signals: readonly NodeJS.Signals[]): Mishap[] {
  let last: Promise<void> = Promise.resolve();
  const restart = async (signal: NodeJS.Signals): Promise<void> => {
    await server.stop(signal);
    await server.start();
  };
  return signals.map((signal) => ({
    kind: 'restart',
    happen: () => (last = last.then(() => restart(signal))),
  }));
}

/** PostgreSQL waits at SIGTERM until its clients have gone, and MariaDB does not heed SIGINT. */
const STOP: Readonly<Record<ServerType, NodeJS.Signals>> = { postgres: 'SIGINT', mariadb: 'SIGTERM' };

const LISTENERS =
  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";

/** The sessions of which one is ended. */
const ANY: Readonly<Record<ServerType, string>> = {
  postgres:
    'SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE datname = current_database() ' +
    'AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1) AS one',
  mariadb:
    'SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID() ORDER BY rand() LIMIT 1',
};

/** Ends sessions of a database, as an operator or a failover does. */
async function endSessions(storage: DataSourceOptions, those: string): Promise<void> {
  // The server may be away, and with it its sessions.
  const operator = await new DataSource({ ...storage }).initialize().catch(() => undefined);
  if (operator === undefined) return;
  try {
    const rows = await operator.query<{ id?: number | string }[]>(those);
    for (const { id } of rows) if (id !== undefined) await operator.query(`KILL ${id}`);
  } catch {
    // It may be restarting, or the session be gone by now.
  } finally {
    await operator.destroy().catch(() => undefined);
  }
}
