import type { Clock } from '../../clock.js';
import type { Covers, Supersedable } from '../../entries/in-flight.js';
import type { MemoryKey } from '../../keys/key-space.js';
import { BEAT_MS } from '../../sharing/own-log.js';
import type { Stamp } from '../../storage-adapter.js';

/** How long a commit of another instance may last that has not seen the row, ms. */
const COMMIT_MS = 10_000;
/** Most of them that are remembered. */
const MOST = 10_000;

interface StoredLoad {
  readonly stamp: Stamp;
  /** On the monotonic clock. */
  readonly at: number;
}

/**
 * What loaders gave and was stored lately. Somebody may have removed the key meanwhile whose commit could not see the row, nor the row's
 * commit that one: then the value is from before the removal, and the row is taken back once this instance is told.
 */
export class StoredLoads implements Supersedable {
  readonly #loads = new Map<MemoryKey, StoredLoad>();
  readonly #openMs: number;

  constructor(
    private readonly clock: Clock,
    /** How old an answer of memory may be, ms. */
    maxStaleMs: number,
    /** Removes the row of a key if it has this stamp. */
    private readonly takeBack: (key: MemoryKey, stamp: Stamp) => void,
  ) {
    // An instance that is not used looks at the others' logs with its beat alone.
    this.#openMs = COMMIT_MS + BEAT_MS + maxStaleMs;
  }

  add(key: MemoryKey, stamp: Stamp): void {
    const at = this.clock.monotonic();
    // In the order of their time.
    this.#loads.delete(key);
    this.#loads.set(key, { stamp, at });
    for (const [old, load] of this.#loads) {
      if (at - load.at <= this.#openMs && this.#loads.size <= MOST) break;
      this.#loads.delete(old);
    }
  }

  supersede(key: MemoryKey): void {
    const load = this.#loads.get(key);
    if (load === undefined) return;
    this.#loads.delete(key);
    if (this.clock.monotonic() - load.at <= this.#openMs) this.takeBack(key, load.stamp);
  }

  supersedeWhere(covers: Covers): void {
    for (const key of this.#loads.keys()) if (covers(key)) this.supersede(key);
  }

  supersedeAll(): void {
    for (const key of this.#loads.keys()) this.supersede(key);
  }
}
