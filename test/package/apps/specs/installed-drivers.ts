import { readFileSync } from 'node:fs';

interface Manifest {
  dependencies: Record<string, string>;
}

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;

/** The types by which TypeORM reaches SQLite with what this application depends on. */
export const installedDrivers = (['sqlite', 'better-sqlite3'] as const).filter(
  (type) => (type === 'sqlite' ? 'sqlite3' : type) in dependencies,
);
