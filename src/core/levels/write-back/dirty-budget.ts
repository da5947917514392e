import { CacheError } from '../../cache-error.js';
import type { CacheTimer, Clock } from '../../clock.js';

const KEEP_ALIVE_MS = 60_000;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: CacheError) => void;
}

/** How many unwritten entries all write-back namespaces together may hold. What is over it waits. */
export class DirtyBudget {
  #used = 0;
  #closed = false;
  readonly #reliefs: (() => void)[] = [];
  #waiting: Waiter[] = [];

  #keepAlive: CacheTimer | undefined;

  constructor(
    private readonly limit: number,
    private readonly clock: Clock,
  ) {}

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
    for (const waiter of this.#takeWaiting()) waiter.resolve();
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
      if (this.#keepAlive === undefined) this.#stayAlive();
      for (const relieve of this.#reliefs) relieve();
    });
  }

  /** Gives up on the writes that still wait: none of them was acknowledged. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#takeWaiting()) waiter.reject(stoppedBeforeTaken());
  }

  #takeWaiting(): Waiter[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#keepAlive?.cancel();
    this.#keepAlive = undefined;
    return waiting;
  }

  /** Retries wait on timers that let the process end; while a caller waits for one of them, it must not. */
  #stayAlive(): void {
    this.#keepAlive = this.clock.setTimer(KEEP_ALIVE_MS, () => this.#stayAlive(), true);
  }
}

function stoppedBeforeTaken(): CacheError {
  return new CacheError(
    'CACHE_CLOSED',
    'The cache stopped before it had room for this write (maxDirty). It was not acknowledged.',
  );
}
