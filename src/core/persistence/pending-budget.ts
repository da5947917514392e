import { CacheError } from '../cache-error.js';

/** How many unwritten entries all write-back namespaces together may hold. What is over it waits. */
export class PendingBudget {
  #used = 0;
  #closed = false;
  readonly #reliefs: (() => void)[] = [];
  #waiting: { resolve: () => void; reject: (error: CacheError) => void }[] = [];

  constructor(private readonly limit: number) {}

  get hasRoom(): boolean {
    return this.#used < this.limit;
  }

  /** Counts one entry more. */
  take(): void {
    this.#used += 1;
  }

  /** Counts `count` entries less, and wakes who waits. */
  release(count: number): void {
    this.#used -= count;
    if (!this.hasRoom) return;
    const woken = this.#waiting;
    this.#waiting = [];
    for (const waiter of woken) waiter.resolve();
  }

  /** Whether a write waits for room. */
  get isAwaited(): boolean {
    return this.#waiting.length > 0;
  }

  /** Registers who can make room; told when a write has to wait for it. */
  onPressure(relief: () => void): void {
    this.#reliefs.push(relief);
  }

  /** Resolves when there may be room: look again. Rejects with `CACHE_CLOSED` once {@link close} was called. */
  room(): Promise<void> {
    if (this.#closed) return Promise.reject(stoppedBeforeTaken());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      for (const relieve of this.#reliefs) relieve();
    });
  }

  /** Gives up on the writes that still wait: none of them was acknowledged. */
  close(): void {
    this.#closed = true;
    const refused = this.#waiting;
    this.#waiting = [];
    for (const waiter of refused) waiter.reject(stoppedBeforeTaken());
  }
}

function stoppedBeforeTaken(): CacheError {
  return new CacheError(
    'CACHE_CLOSED',
    'The cache stopped before it had room for this write (maxPending). It was not acknowledged.',
  );
}
