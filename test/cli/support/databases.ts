import { join } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import type { StoredEntry } from '../../../src/index.js';
import { writeChanges } from '../../../src/testing/contract/changes.js';
import { mariadbServer, postgresServer } from '../../support/services.js';
import { tempFolder } from '../../support/temp-folder.js';
import { withStorage } from './raw-table.js';

/** A database of a test's own, and how the command and TypeORM name it. */
export interface TestDatabase {
  readonly address: string;
  readonly options: DataSourceOptions;
}

export interface TestKind {
  readonly name: string;
  readonly newDatabase: () => Promise<TestDatabase>;
}

/** When the rows of tests were written. */
export const WRITTEN_AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** The kinds of database that there are for a spec file. */
export async function databaseKinds(): Promise<readonly TestKind[]> {
  const folder = tempFolder();
  const postgres = await postgresServer();
  const mariadb = await mariadbServer();
  let files = 0;
  const kinds: (TestKind | undefined)[] = [
    {
      name: 'SQLite',
      newDatabase: async () => {
        const address = join(folder, `${(files += 1)}.sqlite`);
        return { address, options: { type: 'sqlite', database: address } };
      },
    },
    postgres && {
      name: 'PostgreSQL',
      newDatabase: async () => {
        const address = await postgres.newDatabase();
        return { address, options: { type: 'postgres', url: address } };
      },
    },
    mariadb && {
      name: 'MariaDB',
      newDatabase: async () => {
        const address = await mariadb.newDatabase();
        return { address, options: { type: 'mariadb', url: address } };
      },
    },
  ];
  return kinds.filter((kind) => kind !== undefined);
}

/** Writes rows as an application does. */
export async function fill(
  { options }: TestDatabase,
  rows: Readonly<Record<string, readonly StoredEntry[]>>,
  now = WRITTEN_AT,
): Promise<void> {
  const changes = Object.entries(rows).map(([namespace, puts]) => ({ namespace, puts }));
  await withStorage(options, (storage) => writeChanges(storage, changes, now));
}

export function entry(key: string, value: string, expiresAt: number | null = null): StoredEntry {
  return { key, value, expiresAt };
}
