import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CacheError } from '../../core/cache-error.js';
import { makeFolder } from '../make-folder.js';
import { unsupported } from '../unsupported.js';

/** Whether a SQLite `database` lives in memory or in a temporary file, and so in one connection only. */
export function isEphemeral(database: unknown): boolean {
  return (
    typeof database !== 'string' ||
    database === '' ||
    database === ':memory:' ||
    /[?&]mode=memory\b/.test(database)
  );
}

/**
 * Creates the folder (mode 0700) and the file (mode 0600) of a SQLite database if they are missing: nobody else may read
 * a cache. Existing ones are left as they are. SQLite gives its -wal and -shm files the mode of the file.
 */
export async function prepareSqliteFile(database: string): Promise<void> {
  const file = resolve(database);
  try {
    makeFolder(dirname(file));
    const handle = await open(file, 'ax', 0o600);
    await handle.close();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      if (statSync(file).isDirectory()) throw folderError(file);
      return;
    }
    throw new CacheError(
      'STORAGE_OPEN_FAILED',
      `The cache's database ${file} can't be created (${code ?? String(cause)}). ` +
        "Give the process write permission to the folder, or set another path as database of the storage, as in { type: 'better-sqlite3', database }.",
      { cause },
    );
  }
}

/** What is said of the path of a folder: SQLite says no more of it than that it can't be opened. */
export function folderError(path: string): CacheError {
  return unsupported(`${path} is a folder: name a file in it, such as ${join(path, 'cache.sqlite')}.`);
}

/** The code of a write to a file, or a read from one, that is not the one that was opened. */
export const FILE_GONE = 'DATABASE_FILE_GONE';

/**
 * Notices that a database file is no longer the one that was opened: removed, moved or replaced. SQLite goes on writing
 * to the file it has open, where no other process and no next start would find it.
 */
export class FileIdentity {
  readonly #identity: string;

  constructor(private readonly path: string) {
    this.#identity = this.#current();
  }

  /** Throws when the file is another one, or none. */
  assertSame(): void {
    // A synchronous stat takes some 3 µs; an asynchronous one would take a turn of the event loop for each commit and read.
    if (this.#current() === this.#identity) return;
    throw Object.assign(new Error(`${this.path} was removed, moved or replaced while it was in use.`), {
      code: FILE_GONE,
    });
  }

  #current(): string {
    const stats = statSync(this.path, { throwIfNoEntry: false });
    return stats === undefined ? 'none' : `${stats.dev}:${stats.ino}`;
  }
}
