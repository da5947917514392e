import { statSync } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CacheError } from '../../core/cache-error.js';

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
 * Makes the folder (mode 0700) and the file (mode 0600) of a SQLite database where they are missing: what a cache holds
 * is nobody else's to read. What exists is left as it is. SQLite gives its -wal and -shm files the mode of the file.
 */
export async function prepareSqliteFile(database: string): Promise<void> {
  const file = resolve(database);
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(file, 'ax', 0o600);
    await handle.close();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (await isFolder(file))
      throw new CacheError(
        'STORAGE_OPEN_FAILED',
        `The cache's database ${file} is a folder: name a file in it, as in storage: { type: 'sqlite', database: 'data/cache.sqlite' }.`,
        { cause },
      );
    if (code === 'EEXIST' && !(await isFolderInTheWay(file))) return;
    throw new CacheError(
      'STORAGE_OPEN_FAILED',
      `The cache's database ${file} can't be created (${code ?? String(cause)}). ` +
        "Give the process write permission to the folder, or set another path: storage: { type: 'sqlite', database }.",
      { cause },
    );
  }
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}

/** `mkdir` says EEXIST when a file stands where the folder should be. */
async function isFolderInTheWay(file: string): Promise<boolean> {
  try {
    await (await open(file, 'r')).close();
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR';
  }
}

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
      code: 'DATABASE_FILE_GONE',
    });
  }

  #current(): string {
    const stats = statSync(this.path, { throwIfNoEntry: false });
    return stats === undefined ? 'none' : `${stats.dev}:${stats.ino}`;
  }
}
