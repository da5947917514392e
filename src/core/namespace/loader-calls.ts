import type { MemoryKey } from '../keys/key-space.js';

interface Load<V> {
  current: boolean;
  readonly outcome: Promise<V>;
}

/** Loaders under way: single-flight per key. A write to the key supersedes the loader that runs for it. */
export class LoaderCalls<V> {
  readonly #loads = new Map<MemoryKey, Load<V>>();

  /** The outcome of the load of `key` under way, or of `load` if there is none. */
  run(key: MemoryKey, load: (isCurrent: () => boolean) => Promise<V>): Promise<V> {
    const underway = this.#loads.get(key);
    if (underway !== undefined) return underway.outcome;
    const started: Load<V> = {
      current: true,
      outcome: load(() => started.current).finally(() => {
        if (this.#loads.get(key) === started) this.#loads.delete(key);
      }),
    };
    this.#loads.set(key, started);
    return started.outcome;
  }

  /** `key` was written to: what a loader gives for it now is no longer stored, and no later caller waits for it. */
  supersede(key: MemoryKey): void {
    if (this.#loads.size === 0) return;
    const load = this.#loads.get(key);
    if (load === undefined) return;
    load.current = false;
    this.#loads.delete(key);
  }

  supersedeAll(): void {
    for (const load of this.#loads.values()) load.current = false;
    this.#loads.clear();
  }
}
