import { AsyncLocalStorage } from 'node:async_hooks';
import type { MemoryKey } from '../../core/keys/key-space.js';

/** One run of a method that loads a value. */
interface Load {
  readonly cache: object;
  readonly key: MemoryKey;
  /** The load that this one was begun in. */
  readonly within: Load | undefined;
  isOver: boolean;
}

const loads = new AsyncLocalStorage<Load>();

/** Whether the call comes from a load of the same key, which would wait for it for ever. The key is asked for within loads alone. */
export function isLoading(cache: object, keyOf: () => MemoryKey): boolean {
  const innermost = loads.getStore();
  if (innermost === undefined) return false;
  const key = keyOf();
  for (let load: Load | undefined = innermost; load !== undefined; load = load.within) {
    if (!load.isOver && load.cache === cache && load.key === key) return true;
  }
  return false;
}

/** Runs a method that loads the value of a key. */
export async function loading<T>(cache: object, key: MemoryKey, method: () => Promise<T>): Promise<T> {
  const load: Load = { cache, key, within: loads.getStore(), isOver: false };
  try {
    return await loads.run(load, method);
  } finally {
    // What it has set going, such as a timer, goes on within it, and nobody waits for that.
    load.isOver = true;
  }
}
