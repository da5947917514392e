import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { CuttingProxy } from '../../support/cutting-proxy.js';
import { mariadbServer, postgresServer, type TestServer } from '../../support/services.js';
import { troubleWith } from './troubles.js';

/** A database to run on. */
export interface SoakTarget {
  readonly name: string;
  readonly storage: DataSourceOptions;
  /** Gives the table a rule against the key `poison`. */
  prepare(): Promise<void>;
  /** Lets its connections come and go until `signal` is aborted. A file has none. */
  trouble?(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Makes a new database of each kind; resolves to `undefined` where there is no such server. */
export const TARGETS: Readonly<Record<string, (folder: string) => Promise<SoakTarget | undefined>>> = {
  sqlite: (folder) => onFile('SQLite, sqlite3', { type: 'sqlite', database: join(folder, 'sqlite3.sqlite') }),
  'better-sqlite3': (folder) =>
    onFile('SQLite, better-sqlite3', { type: 'better-sqlite3', database: join(folder, 'better.sqlite') }),
  postgres: () =>
    onServer(postgresServer(), {
      connect: (url) => ({ type: 'postgres', url, extra: { idleTimeoutMillis: 200 } }),
      sessions: (database) => `SELECT pid AS id FROM pg_stat_activity WHERE datname = '${database}'`,
      end: (id) => `SELECT pg_terminate_backend(${id})`,
    }),
  mariadb: () =>
    onServer(mariadbServer(), {
      connect: (url) => ({ type: 'mariadb', url, extra: { idleTimeout: 200, maxIdle: 1 } }),
      sessions: (database) => `SELECT id FROM information_schema.processlist WHERE db = '${database}'`,
      end: (id) => `KILL ${id}`,
    }),
};

/** How to connect to a server, and how to end the sessions of others. */
interface ServerRecipe {
  connect(url: string): DataSourceOptions;
  sessions(database: string): string;
  end(id: number): string;
}

async function onFile(name: string, storage: DataSourceOptions): Promise<SoakTarget> {
  const rule =
    `CREATE TRIGGER no_poison BEFORE INSERT ON cache_storage WHEN NEW."key" = 'poison' ` +
    `BEGIN SELECT RAISE(ABORT, 'not this one'); END`;
  return { name, storage, prepare: () => run(storage, rule), close: () => Promise.resolve() };
}

async function onServer(
  asked: Promise<TestServer | undefined>,
  recipe: ServerRecipe,
): Promise<SoakTarget | undefined> {
  const server = await asked;
  if (server === undefined) return undefined;
  const url = await server.newDatabase();
  const database = new URL(url).pathname.slice(1);
  const proxy = await CuttingProxy.before(url);
  const column = recipe.connect(url).type === 'postgres' ? '"key"' : '`key`';
  const rule = `ALTER TABLE cache_storage ADD CONSTRAINT no_poison CHECK (${column} <> 'poison')`;
  const endSessions = async (): Promise<void> => {
    for (const { id } of (await server.run(recipe.sessions(database))) as { id: number }[]) {
      // It may be gone by now.
      await server.run(recipe.end(id)).catch(() => undefined);
    }
  };
  return {
    name: server.name,
    storage: recipe.connect(proxy.through(url)),
    prepare: () => run(recipe.connect(url), rule),
    trouble: (signal) => troubleWith({ proxy, endSessions }, signal),
    close: () => proxy.close(),
  };
}

async function run(storage: DataSourceOptions, sql: string): Promise<void> {
  const dataSource = await new DataSource(storage).initialize();
  await dataSource.query(sql);
  await dataSource.destroy();
}
