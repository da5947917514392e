import type { CacheStorageAdapter } from '../storage-adapter.js';

/** A storage that can say when its rows were written. */
interface TimedStorage {
  exact(
    namespace: string,
    keys: readonly string[],
  ): Promise<{
    readonly rows: readonly { readonly key: string; readonly writtenAt: number | string | null }[];
  }>;
}

/** When the row of a key was written, wall-clock ms; `null` where there is none, or the storage can't tell. */
export async function timeOfWriting(
  storage: CacheStorageAdapter & Partial<TimedStorage>,
  namespace: string,
  key: string,
): Promise<number | null> {
  if (typeof storage.exact !== 'function') return null;
  const { rows } = await storage.exact(namespace, [key]);
  const writtenAt = rows.find((row) => row.key === key)?.writtenAt;
  return typeof writtenAt === 'number' ? writtenAt : null;
}
