import type { Clock } from '../../clock.js';
import type { MemoryKey } from '../../keys/key-space.js';
import type { QueuedWrite } from './write-queue.js';

/** How long after a commit its keys count as contended, ms: callers that write again and again are back by then. */
const CONTENDED_MS = 10;

/**
 * The keys that other processes have changed while the last round of a namespace was on its way. Who writes to them again at
 * once would most likely meet a conflict: a round of such keys alone holds their rows from the beginning, and so waits for its
 * turn at a row once, not twice.
 */
export class ContendedKeys {
  #keys: ReadonlySet<MemoryKey> = new Set();
  #until = 0;

  constructor(private readonly clock: Clock) {}

  /** A round is over in which others were seen to have changed these keys. */
  seen(keys: ReadonlySet<MemoryKey>): void {
    this.#keys = keys;
    this.#until = this.clock.monotonic() + CONTENDED_MS;
  }

  /** Whether these are about contended keys alone. */
  include<V>(writes: readonly QueuedWrite<V>[]): boolean {
    if (this.#keys.size === 0 || this.clock.monotonic() > this.#until) return false;
    return writes.every(({ request }) => 'key' in request && this.#keys.has(request.key));
  }
}
