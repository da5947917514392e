import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import { fileOfPage, runCommands } from '../../support/page-commands.js';
import { skip, type TestServer } from '../../support/services.js';

/** Where the application of a drill keeps its rows: how they are backed up, lost and restored there, in the words of the page. */
export interface Place {
  /** What the application is told; `undefined` for the default file. */
  readonly storage: DataSourceOptions | undefined;
  /** The kind of it, for a connection of the test's own. */
  readonly database: DataSourceOptions;
  readonly folder: string;
  backUp(): Promise<unknown>;
  lose(): Promise<unknown>;
  restore(): Promise<unknown>;
  /** Over what is there. */
  restoreOver(): Promise<unknown>;
}

/** What is on the page. */
export type SqliteBackup =
  'Back up a SQLite file' | 'Back up a SQLite file that is never at rest' | 'backup.mjs';

/** Whether the commands of the page that ask for SQLite's shell can be run; a script of the page does without. */
export const hasSqliteShell = isInstalled('sqlite3');

/** The programs that the commands of the page ask for, by the server that they work on. */
const PROGRAMS = {
  PostgreSQL: ['pg_dump', 'pg_restore', 'psql'],
  MariaDB: ['mariadb-dump', 'mariadb'],
} as const;

/** Whether its commands can be run here; says so where not. */
export function hasPrograms(server: keyof typeof PROGRAMS): boolean {
  const missing = PROGRAMS[server].filter((name) => !isInstalled(name));
  if (missing.length > 0) skip(`the restore drill on ${server}: ${missing.join(', ')} is not installed.`);
  return missing.length === 0;
}

function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}

/** A file in a new folder, with the driver named or the default one. */
export function sqlitePlace(folder: string, backup: SqliteBackup, type?: 'better-sqlite3'): Place {
  for (const name of ['data', 'backup']) mkdirSync(join(folder, name), { recursive: true });
  const file = join(folder, 'data/cache.sqlite');
  const restore = (): Promise<unknown> => runCommands('Restore a SQLite file', { cwd: folder });
  return {
    storage: type && { type, database: 'data/cache.sqlite' },
    database: { type: 'better-sqlite3', database: file },
    folder,
    async backUp() {
      if (backup !== 'backup.mjs') return runCommands(backup, { cwd: folder });
      symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
      writeFileSync(join(folder, backup), fileOfPage(backup));
      const { status, stderr } = spawnSync(
        process.execPath,
        [backup, 'data/cache.sqlite', 'backup/cache.sqlite'],
        { cwd: folder, encoding: 'utf8' },
      );
      if (status !== 0) throw new Error(stderr);
      return undefined;
    },
    async lose() {
      for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`);
    },
    restore,
    restoreOver: restore,
  };
}

export async function postgresPlace(
  folder: string,
  server: TestServer,
): Promise<Place & { becomeAnother(): Promise<unknown> }> {
  const url = await server.newDatabase();
  const env = { DATABASE_URL: url };
  const name = new URL(url).pathname.slice(1);
  const storage = { type: 'postgres', url } as const;
  const restoreOver = (): Promise<unknown> =>
    runCommands('Restore the tables on PostgreSQL', { cwd: folder, env });
  return {
    storage,
    database: storage,
    folder,
    backUp: () => runCommands('Back up the tables on PostgreSQL', { cwd: folder, env }),
    lose: () => server.run(`DROP DATABASE ${name} WITH (FORCE)`),
    async restore() {
      await server.run(`CREATE DATABASE ${name}`);
      await restoreOver();
    },
    restoreOver,
    becomeAnother: () => runCommands('Make a copy another database', { cwd: folder, env }),
  };
}

export async function mariadbPlace(folder: string, server: TestServer): Promise<Place> {
  const url = await server.newDatabase();
  const { hostname, port, username, password, pathname } = new URL(url);
  const name = pathname.slice(1);
  writeFileSync(
    join(folder, 'backup.cnf'),
    `[client]\nhost=${hostname}\nport=${port}\nuser=${username}\npassword=${decodeURIComponent(password)}\n`,
    { mode: 0o600 },
  );
  const env = { DATABASE: name };
  const storage = { type: 'mariadb', url } as const;
  const restoreOver = (): Promise<unknown> =>
    runCommands('Restore the tables on MariaDB', { cwd: folder, env });
  return {
    storage,
    database: storage,
    folder,
    backUp: () => runCommands('Back up the tables on MariaDB', { cwd: folder, env }),
    lose: () => server.run(`DROP DATABASE ${name}`),
    async restore() {
      await server.run(`CREATE DATABASE ${name}`);
      await restoreOver();
    },
    restoreOver,
  };
}
