import { randomBytes } from 'node:crypto';
import { createClient } from '@redis/client';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { afterAll } from 'vitest';

/** A database server that tests may make databases on. */
export interface TestServer {
  readonly name: string;
  /** Makes an empty database for the spec file that asks, and answers its url. It is dropped with the file's tests. */
  newDatabase(): Promise<string>;
  /** Runs one statement in the server's default database. */
  run(sql: string): Promise<unknown>;
}

const POSTGRES_URL = process.env['TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test';
const REDIS_URL = process.env['TEST_REDIS_URL'] ?? 'redis://127.0.0.1:6379';
const MARIADB_URL = process.env['TEST_MARIADB_URL'] ?? 'mysql://root@127.0.0.1:3306/test';

/** A busy server takes its time to drop the databases of a whole spec file. */
const DROP_TIMEOUT_MS = 120_000;
/** So many are dropped at a time. Each takes a connection, of which a server has a hundred. */
const DROPS = 8;

/** The PostgreSQL server for tests, or `undefined` where there is none. */
export function postgresServer(): Promise<TestServer | undefined> {
  return reached('PostgreSQL', 'TEST_POSTGRES_URL', POSTGRES_URL, async (sql) => {
    const client = new pg.Client({ connectionString: POSTGRES_URL });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  });
}

/** The MariaDB or MySQL server for tests, or `undefined` where there is none. */
export function mariadbServer(): Promise<TestServer | undefined> {
  return reached('MariaDB', 'TEST_MARIADB_URL', MARIADB_URL, async (sql) => {
    const connection = await mysql.createConnection(MARIADB_URL);
    try {
      return (await connection.query(sql))[0];
    } finally {
      await connection.end();
    }
  });
}

/** The address of the Redis server for tests, or `undefined` where there is none. Tests leave nothing in it. */
export async function redisServer(): Promise<string | undefined> {
  const client = createClient({ url: REDIS_URL, socket: { reconnectStrategy: false } });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.close();
    return REDIS_URL;
  } catch (error) {
    skip(`Redis: no server at ${new URL(REDIS_URL).host} (TEST_REDIS_URL): ${(error as Error).message}`);
    return undefined;
  }
}

async function reached(
  name: string,
  variable: string,
  url: string,
  run: (sql: string) => Promise<unknown>,
): Promise<TestServer | undefined> {
  try {
    await run('SELECT 1');
  } catch (error) {
    const address = new URL(url);
    skip(`${name}: no server at ${address.host} (${variable}): ${(error as Error).message}`);
    return undefined;
  }
  const made: string[] = [];
  const force = name === 'PostgreSQL' ? ' WITH (FORCE)' : '';
  const dropMade = async (): Promise<void> => {
    for (let database = made.pop(); database !== undefined; database = made.pop())
      await run(`DROP DATABASE ${database}${force}`);
  };
  // Beside each other, since they then wait for one checkpoint together.
  afterAll(() => Promise.all(Array.from({ length: DROPS }, dropMade)), DROP_TIMEOUT_MS);
  return {
    name,
    run,
    async newDatabase() {
      const database = `cache_test_${randomBytes(6).toString('hex')}`;
      await run(`CREATE DATABASE ${database}`);
      made.push(database);
      const address = new URL(url);
      address.pathname = `/${database}`;
      return address.href;
    },
  };
}

/** Says in one line what is not tested here, and why. Where everything must be tested, that is a failure. */
export function skip(what: string): void {
  if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`REQUIRE_SERVICES=1, but skipped: ${what}`);
  console.log(`Skipped: ${what}`);
}
