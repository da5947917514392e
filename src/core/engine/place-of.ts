import type { CacheStorageAdapter } from '../storage-adapter.js';

/** Where a storage is, for log lines. An adapter of the app that can't say it keeps nobody from starting. */
export function placeOf(storage: CacheStorageAdapter): string {
  try {
    return storage.describe();
  } catch {
    return 'its storage';
  }
}
