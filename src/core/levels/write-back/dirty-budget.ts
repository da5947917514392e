import { CacheError } from '../../cache-error.js';
import type { CacheTimer, Clock } from '../../clock.js';

const KEEP_ALIVE_MS = 60_000;

/** What dirty entries may take in all: `entries` of them, and `bytes` of encoded values. */
export interface DirtyLimits {
  readonly entries: number;
  readonly bytes: number;
}

/** A write that waits for room. */
interface Waiter {
  readonly admit: () => void;
  readonly reject: (error: CacheError) => void;
}

/**
 * How much all write-back namespaces together may have that is not written. It is charged when an entry becomes dirty, and
 * what would go over it waits, in the order of the calls. What the database refuses is charged apart, up to the same limits,
 * so that it holds up nobody.
 */
export class DirtyBudget {
  readonly #used = { entries: 0, bytes: 0 };
  readonly #refused = { entries: 0, bytes: 0 };
  readonly #reliefs: (() => void)[] = [];
  #waiters: Waiter[] = [];
  #isAdmitting = false;
  #closed = false;
  /** Why, where it was not the stop. */
  #refusal: CacheError | undefined;
  #keepAlive: CacheTimer | undefined;

  constructor(
    readonly limits: DirtyLimits,
    private readonly clock: Clock,
  ) {}

  get hasRoom(): boolean {
    return this.#used.entries < this.limits.entries && this.#used.bytes < this.limits.bytes;
  }

  /** Whether a dirty entry may grow by `bytes`. */
  hasRoomToGrow(bytes: number): boolean {
    return bytes <= 0 || this.#used.bytes < this.limits.bytes;
  }

  charge(entries: number, bytes: number): void {
    this.#used.entries += entries;
    this.#used.bytes += bytes;
  }

  release(entries: number, bytes: number): void {
    this.#used.entries -= entries;
    this.#used.bytes -= bytes;
    this.#admitWaiters();
  }

  /** Whether one more entry that the database refuses can be charged apart. */
  get hasRoomForRefused(): boolean {
    return this.#refused.entries < this.limits.entries && this.#refused.bytes < this.limits.bytes;
  }

  /** Charges an entry apart, since the database refuses it. Lets writes in that wait. */
  exempt(bytes: number): void {
    this.#refused.entries += 1;
    this.#refused.bytes += bytes;
    this.release(1, bytes);
  }

  /** Ends what {@link exempt} charged. */
  releaseExempt(bytes: number): void {
    this.#refused.entries -= 1;
    this.#refused.bytes -= bytes;
  }

  /** Whether a write waits for room. */
  get isAwaited(): boolean {
    return this.#waiters.length > 0;
  }

  /** Registers who can make room; told when a write has to wait for it. */
  onPressure(relief: () => void): void {
    this.#reliefs.push(relief);
  }

  /** Calls `admit` when it is its turn and there is room; it must charge what it takes before it returns. */
  wait(admit: () => void, reject: (error: CacheError) => void): void {
    if (this.#closed) {
      reject(this.#refusal ?? stoppedBeforeTaken());
      return;
    }
    this.#waiters.push({ admit, reject });
    if (this.#keepAlive === undefined) this.#stayAlive();
    for (const relieve of this.#reliefs) relieve();
  }

  /** Gives up on the writes that still wait: none of them was acknowledged. */
  close(error?: CacheError): void {
    this.#closed = true;
    this.#refusal ??= error;
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#keepAlive?.cancel();
    for (const { reject } of waiters) reject(this.#refusal ?? stoppedBeforeTaken());
  }

  /** One after the other: each takes its room before it is looked whether there is some for the next. */
  #admitWaiters(): void {
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    let admitted = 0;
    while (admitted < this.#waiters.length && this.hasRoom) {
      this.#waiters[admitted]?.admit();
      admitted += 1;
    }
    this.#waiters.splice(0, admitted);
    this.#isAdmitting = false;
    if (this.isAwaited) return;
    this.#keepAlive?.cancel();
    this.#keepAlive = undefined;
  }

  /** Retries wait on timers that let the process end; while a caller waits for one of them, it must not. */
  #stayAlive(): void {
    this.#keepAlive = this.clock.setTimer(KEEP_ALIVE_MS, () => this.#stayAlive(), true);
  }
}

function stoppedBeforeTaken(): CacheError {
  return new CacheError(
    'CACHE_CLOSED',
    'The cache stopped before it had room for this write (maxDirty, maxDirtyBytes). It was not acknowledged.',
  );
}
