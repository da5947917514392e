import type { CacheError } from '../cache-error.js';
import type { CacheTimer, Clock } from '../clock.js';
import type { Covers, Supersedable } from '../entries/in-flight.js';
import type { MemoryKey } from '../keys/key-space.js';

/** One loader under way. */
export class LoaderCall<V> {
  /** Whether what it gives is to be stored: no write has come in between, and it was not given up. */
  isCurrent = true;
  /** Whether it asks what is stored, and the answer may become too old for who comes later. */
  isReading = true;
  readonly begunAt: number;
  /** How many wait for it; no more come once it has an outcome. */
  callers = 1;
  /** What gives each of several callers the outcome. */
  copies: (() => V) | undefined;
  readonly outcome: Promise<V>;
  #isGivenUp = false;
  #reject: (error: CacheError) => void = () => undefined;
  #deadline = Infinity;
  #timer: CacheTimer | undefined;

  constructor(
    private readonly clock: Clock,
    load: (call: LoaderCall<V>) => Promise<V>,
    onEnd: (call: LoaderCall<V>) => void,
  ) {
    this.begunAt = clock.monotonic();
    this.outcome = new Promise<V>((resolve, reject) => {
      this.#reject = reject;
      load(this).then(resolve, reject);
    }).finally(() => {
      this.#timer?.cancel();
      onEnd(this);
    });
  }

  /** Nobody waits for it any more. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** Gives up after `ms`, unless that is due sooner already; everyone who waits then rejects with what `error` makes. */
  giveUpAfter(ms: number, error: () => CacheError): void {
    const deadline = this.clock.monotonic() + ms;
    if (deadline >= this.#deadline) return;
    this.#deadline = deadline;
    this.#timer?.cancel();
    const giveUp = (): void => {
      this.#isGivenUp = true;
      this.isCurrent = false;
      this.#reject(error());
    };
    this.#timer = this.clock.setTimer(ms, giveUp, true);
  }

  /** The loader has given a value: storing it has a limit of its own. */
  loaded(): void {
    this.#deadline = 0;
    this.#timer?.cancel();
  }
}

/** Loaders under way: single-flight per key. A write to the key supersedes the loader that runs for it. */
export class LoaderCalls<V> implements Supersedable {
  readonly #calls = new Map<MemoryKey, LoaderCall<V>>();

  constructor(
    private readonly clock: Clock,
    /** How old an answer may be, ms. */
    private readonly maxStaleMs: number,
  ) {}

  /** The load of `key` under way, or `load` begun if there is none that may still be joined. */
  join(key: MemoryKey, load: (call: LoaderCall<V>) => Promise<V>): LoaderCall<V> {
    const underway = this.#calls.get(key);
    if (underway !== undefined && this.#isOpen(underway)) {
      underway.callers += 1;
      return underway;
    }
    // Who writes to the key finds the new one alone: what this one gives may be from before that.
    if (underway !== undefined) underway.isCurrent = false;
    const started = new LoaderCall<V>(this.clock, load, (ended) => {
      if (this.#calls.get(key) === ended) this.#calls.delete(key);
    });
    this.#calls.set(key, started);
    return started;
  }

  #isOpen({ isGivenUp, isReading, begunAt }: LoaderCall<V>): boolean {
    return !isGivenUp && (!isReading || this.clock.monotonic() - begunAt <= this.maxStaleMs);
  }

  /** `key` was written to: what a loader gives for it now is no longer stored, and no later caller waits for it. */
  supersede(key: MemoryKey): void {
    if (this.#calls.size === 0) return;
    const call = this.#calls.get(key);
    if (call === undefined) return;
    call.isCurrent = false;
    this.#calls.delete(key);
  }

  supersedeWhere(covers: Covers): void {
    for (const key of this.#calls.keys()) if (covers(key)) this.supersede(key);
  }

  supersedeAll(): void {
    for (const call of this.#calls.values()) call.isCurrent = false;
    this.#calls.clear();
  }
}
