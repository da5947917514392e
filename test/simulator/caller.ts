import { isCacheError, type NamespaceCache } from '../../src/index.js';
import type { Chronicle } from './chronicle.js';
import { TTL_MS, WRITE_TIMEOUT_MS } from './engine-parts.js';
import type { Held, Write } from './model.js';
import { padded } from './padding.js';
import type { Patience } from './patience.js';
import { KEYS, LOADED_KEY, THROUGH, type Name, type Step } from './plan.js';
import { ScanOracle, type Scanned } from './scan-oracle.js';
import type { Scheduler } from './scheduler.js';
import type { SimulatedStorage } from './simulated-storage.js';
import type { Tally } from './tally.js';
import { UNDECODABLE, UnrulyError } from './unruly.js';
import type { Witness } from './witness.js';

/** The last attempt of a write may begin at its deadline, and others be under way. */
const ATTEMPT_MS = 1000;
/** What `getOrLoad` loads. */
const LOADED = 7;

class Expected extends Error {}

export interface CallerWorld {
  readonly scheduler: Scheduler;
  readonly simulated: SimulatedStorage;
  readonly patience: Patience;
  readonly tally: Tally;
  readonly chronicle: Chronicle;
  /** Whether a commit may have been reported as failed that was not. */
  readonly hasLied: () => boolean;
  /** Whether every stored value decodes whenever it is asked for. */
  readonly decodesAlways: boolean;
  /** Something was seen that breaks a promise. */
  readonly broken: (what: string) => void;
}

/** Calls one namespace as an application does, and looks at what comes back. */
export class Caller {
  readonly #isThrough: boolean;

  constructor(
    private readonly cache: NamespaceCache<string, number>,
    readonly witness: Witness,
    private readonly world: CallerWorld,
  ) {
    this.#isThrough = (THROUGH as readonly string[]).includes(witness.name);
  }

  take(step: Extract<Step, { name: Name }>): void {
    switch (step.do) {
      case 'write':
        this.#write(step.write);
        break;
      case 'update all':
        for (let i = 0; i < step.times; i += 1) {
          for (const key of KEYS) this.#write({ kind: 'update', key, add: step.add });
        }
        break;
      case 'set many':
        this.#setMany(step.values, step.isInvalid);
        break;
      case 'get or load':
        this.#getOrLoad();
        break;
      case 'read':
        this.#read(step.key, step.how);
        break;
      case 'scan':
        this.#scan(step.reverse, step.isSlow);
        break;
      case 'count':
        this.#count();
        break;
      case 'flush':
        this.flush();
        break;
    }
  }

  /** A flush that left nothing behind has written every call that had been acknowledged before it. */
  flush(): void {
    const { witness } = this;
    const { settled } = witness;
    const flushed = this.cache.flush();
    this.#follow('flush', flushed);
    flushed.then(
      (report) => {
        if (report.failed === 0 && report.remaining === 0) witness.flushed(settled);
      },
      (error: unknown) => this.#broken(`a flush rejects: ${String(error)}`),
    );
  }

  #write(write: Write): void {
    const promise = this.#call(write);
    this.#follow(JSON.stringify(write), promise, this.#isThrough ? WRITE_TIMEOUT_MS + ATTEMPT_MS : Infinity);
    this.witness.sees(write, promise, this.world.hasLied);
  }

  #call(write: Write): Promise<unknown> {
    const { cache } = this;
    switch (write.kind) {
      case 'set':
        return cache.set(write.key, write.value);
      case 'update':
        return cache.update(write.key, (value) => (value ?? 0) + write.add);
      case 'throw':
        return cache
          .update(write.key, () => {
            throw new Expected();
          })
          .catch((error: unknown) => {
            if (!(error instanceof Expected)) throw error;
          });
      case 'invalid':
        return this.#refused(
          write.isUpdate ? cache.update(write.key, () => write.value) : cache.set(write.key, write.value),
        );
      case 'set if absent':
        return cache.setIfAbsent(write.key, write.value);
      case 'increment':
        return cache.increment(write.key, write.add);
      case 'take':
        return cache.take(write.key);
      case 'touch':
        return cache.touch(write.key, { ttlMs: write.isForever ? null : TTL_MS });
      case 'delete':
        return cache.delete(write.key);
      case 'rename':
        return cache.rename(write.key, write.to);
      case 'clear':
        return cache.clear();
      case 'delete prefix':
        return cache.deletePrefix(write.prefix);
    }
  }

  #setMany(values: readonly (readonly [string, number])[], isInvalid: boolean): void {
    if (isInvalid) {
      const refused = this.#refused(this.cache.setMany([...values, [KEYS[0], UNDECODABLE]]));
      this.#follow('set many, one of which is invalid', refused);
      return;
    }
    const promise = this.cache.setMany(values);
    this.#follow(`set many ${JSON.stringify(values)}`, promise);
    // One that rejects does not say which of its entries it is about, unless it has refused all of them.
    const isPartial = (error: unknown): boolean => !isCacheError(error, 'INVALID_VALUE');
    for (const [key, value] of values) this.witness.sees({ kind: 'set', key, value }, promise, isPartial);
  }

  /** Resolves when `promise` rejects because of the value. */
  #refused(promise: Promise<unknown>): Promise<void> {
    return promise.then(
      () => this.#broken('a value was taken that can not be stored.'),
      (error: unknown) => {
        if (!isCacheError(error, 'INVALID_VALUE')) throw error;
      },
    );
  }

  #getOrLoad(): void {
    const promise = this.cache.getOrLoad(LOADED_KEY, () => LOADED);
    this.#follow('getOrLoad', promise);
    promise.then(
      (value) => {
        if (value !== LOADED) this.#broken(`getOrLoad gave ${value}.`);
      },
      () => undefined,
    );
  }

  #read(key: string, how: 'get' | 'refresh' | 'ttl'): void {
    this.#assertCommittedIsSeen(key);
    const { witness } = this;
    const { settled } = witness;
    const promise = this.cache[how](key);
    this.#follow(`${how} ${key}`, promise);
    promise.then(
      (answer) => {
        const shows = (held: Held | undefined): boolean =>
          how === 'ttl' ? isLeftOf(held, answer) : held?.value === answer;
        if (!this.world.hasLied() && !witness.mayShow(key, shows, settled))
          this.#broken(`${key} shows ${answer} to ${how}, which it was not at any time of the read.`);
      },
      () => undefined,
    );
  }

  #scan(reverse: boolean, isSlow: boolean): void {
    const oracle = new ScanOracle(this.witness);
    const promise = this.#scanned(reverse, isSlow);
    this.#follow('scan', promise);
    promise.then(
      (entries) => {
        this.world.tally.scans += 1;
        if (this.world.hasLied()) return;
        const fault = oracle.faultOf(entries, reverse, this.world.decodesAlways);
        if (fault !== undefined) this.#broken(`${fault}.`);
        for (const [key, value] of entries) this.#assertCommitted(key, value);
      },
      (error: unknown) => this.#assertReadFailure(error),
    );
  }

  async #scanned(reverse: boolean, isSlow: boolean): Promise<Scanned> {
    const entries: (readonly [string, number])[] = [];
    for await (const [key, value] of this.cache.scan({ reverse })) {
      entries.push([key, value]);
      if (isSlow) await this.world.scheduler.someTime();
    }
    return entries;
  }

  #count(): void {
    const oracle = new ScanOracle(this.witness);
    const promise = this.cache.count();
    this.#follow('count', promise);
    promise.then(
      (count) => {
        const fault = this.world.hasLied() ? undefined : oracle.faultOfCount(count);
        if (fault !== undefined) this.#broken(`${fault}.`);
      },
      (error: unknown) => this.#assertReadFailure(error),
    );
  }

  #assertReadFailure(error: unknown): void {
    if (!isCacheError(error, 'READ_FAILED') && !isCacheError(error, 'CACHE_CLOSED'))
      this.#broken(`a listing rejects: ${String(error)}`);
  }

  /** Write-through never shows what was not committed. */
  #assertCommittedIsSeen(key: string): void {
    if (!this.#isThrough) return;
    const seen = this.#present(key);
    if (seen !== undefined) this.#assertCommitted(key, seen);
  }

  #assertCommitted(key: string, seen: number): void {
    if (!this.#isThrough || key === LOADED_KEY || this.witness.before.get(key)?.value === seen) return;
    const committed = this.world.simulated.committed.get(`${this.witness.name} ${key}`);
    if (committed?.has(padded(seen)) !== true)
      this.#broken(`${key} shows ${seen}, which was never committed.`);
  }

  #present(key: string): number | undefined {
    try {
      return this.cache.getIfPresent(key);
    } catch (error) {
      // The call that needs the codec is the one that fails.
      if (error instanceof UnrulyError || isCacheError(error)) return undefined;
      throw error;
    }
  }

  #follow(what: string, promise: Promise<unknown>, timeoutMs = Infinity): void {
    const { tally, chronicle, patience, scheduler } = this.world;
    tally.operations += 1;
    chronicle.follow(`${this.witness.name}: ${what}`, promise);
    patience.follow(`${this.witness.name}: ${what}`, promise, scheduler.monotonic(), timeoutMs);
  }

  #broken(what: string): void {
    this.world.broken(`${this.witness.name}: ${what}`);
  }
}

/** Whether an entry may have that time left. */
function isLeftOf(held: Held | undefined, ms: number | null | undefined): boolean {
  if (held === undefined) return ms === undefined;
  return held.isForever ? ms === null : typeof ms === 'number' && ms > 0;
}
