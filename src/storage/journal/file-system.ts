import { closeSync, fsyncSync, openSync } from 'node:fs';

/** What `task` gives, or `undefined` where its file is gone: another instance that starts at the same time was quicker. */
export function unlessGone<T>(task: () => T): T | undefined {
  try {
    return task();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A rename survives a power loss only when its folder is synced too. Windows can't open a folder, and needs no sync. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
