import { DataSource, type DataSourceOptions } from 'typeorm';
import { expect, vi } from 'vitest';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';

/** What differs between the servers in what the tests of connections ask of them. */
export interface ServerKind {
  readonly type: 'postgres' | 'mariadb';
  /** How many statements of others wait for a lock, or are under way where the server can't tell so soon. */
  readonly waiting: string;
  /** How many connections there are to the database besides the asking one. */
  readonly others: string;
}

export const POSTGRES: ServerKind = {
  type: 'postgres',
  waiting: `SELECT COUNT(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  others: `SELECT COUNT(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
};

export const MARIADB: ServerKind = {
  type: 'mariadb',
  waiting: `SELECT COUNT(*) AS n FROM information_schema.processlist WHERE db = DATABASE() AND command IN ('Query', 'Execute') AND id <> CONNECTION_ID()`,
  others: `SELECT COUNT(*) AS n FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()`,
};

export function optionsOf({ type }: ServerKind, url: string, more: object = {}): DataSourceOptions {
  return { type, url, ...more };
}

export function storageOf(kind: ServerKind, url: string, more: object = {}): TypeOrmStorage {
  return new TypeOrmStorage({
    storage: optionsOf(kind, url, more),
    migrationsRun: true,
    synchronous: 'full',
  });
}

/** One that keeps nobody out and is kept out by nobody: for several that each take themselves for alone. */
export function unclaimedStorageOf(kind: ServerKind, url: string, more: object = {}): TypeOrmStorage {
  return Object.defineProperty(storageOf(kind, url, more), 'keepsOthersOut', { value: false });
}

/** The test's own connection to the server. */
export function connectTo(kind: ServerKind, url: string): Promise<DataSource> {
  return new DataSource(optionsOf(kind, url, { poolSize: 2 })).initialize();
}

/** Waits until a question for a number is answered with one for which `holds` is true. */
export async function until(
  db: DataSource,
  question: string,
  holds: (count: number) => boolean,
): Promise<void> {
  await vi.waitFor(
    async () => {
      const [row] = await db.query<{ n: string | number }[]>(question);
      expect(holds(Number(row?.n))).toBe(true);
    },
    { timeout: 10_000, interval: 20 },
  );
}
