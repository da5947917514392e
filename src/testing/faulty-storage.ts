import { systemClock, type Clock } from '../core/clock.js';
import {
  CACHE_STORAGE,
  CacheError,
  isSharedStorage,
  type Atom,
  type AtomOutcome,
  type CacheStorageAdapter,
  type Commit,
  type KeyRange,
  type LoadedPage,
  type LoadPage,
  type SharedStorage,
  type StampedEntry,
  type StorageFailure,
} from '../index.js';
import { FaultPlan } from './fault-plan.js';
import { StorageFault } from './storage-fault.js';
import { TestClock } from './test-clock.js';

/** The calls that a fault is for. */
export type FaultyCalls = 'reads' | 'writes';

/**
 * A storage with faults to inject, round any other. *Reads* are `count`, `load` and `read`; *writes* are `write`,
 * `modify`, `clear` and `clearRange`. Opening and closing are left alone. So is what the cache does by itself, except that it
 * fails while every write does, or every read: the purge of expired rows, and what instances that share the storage tell each
 * other, where it can be shared.
 */
export class FaultyStorage implements CacheStorageAdapter, Partial<SharedStorage> {
  readonly [CACHE_STORAGE] = 2;
  readonly join?: SharedStorage['join'];
  readonly beat?: SharedStorage['beat'];
  readonly leave?: SharedStorage['leave'];
  readonly remove?: SharedStorage['remove'];
  readonly heads?: SharedStorage['heads'];
  readonly instances?: NonNullable<SharedStorage['instances']>;
  readonly notesSince?: SharedStorage['notesSince'];
  readonly trimLog?: SharedStorage['trimLog'];
  readonly defaultInstances?: SharedStorage['defaultInstances'];
  readonly #reads = new FaultPlan();
  readonly #writes = new FaultPlan();
  readonly #injected = new WeakSet<Error>();
  #underway = 0;
  /** Counts the closings: a call that was held over one belongs to a connection that is gone. */
  #closings = 0;

  /** `clock` is what {@link delay} runs on: the cache's {@link TestClock}, where there is one. */
  constructor(
    private readonly inner: CacheStorageAdapter,
    private readonly clock: Clock = systemClock,
  ) {
    if (clock instanceof TestClock) clock.watch(() => this.#underway > 0);
    if (!isSharedStorage(inner)) return;
    this.defaultInstances = inner.defaultInstances;
    this.join = (instance) => this.#unasked(this.#writes, () => inner.join(instance));
    this.beat = (writer) => this.#unasked(this.#writes, () => inner.beat(writer));
    this.leave = (writer) => this.#unasked(this.#writes, () => inner.leave(writer));
    this.remove = (writer) => this.#unasked(this.#writes, () => inner.remove(writer));
    this.heads = () => this.#unasked(this.#reads, () => inner.heads());
    if (inner.instances !== undefined)
      this.instances = () => this.#unasked(this.#reads, async () => (await inner.instances?.()) ?? []);
    this.notesSince = (positions, limit) =>
      this.#unasked(this.#reads, () => inner.notesSince(positions, limit));
    this.trimLog = (upTo) => this.#unasked(this.#writes, () => inner.trimLog(upTo));
  }

  /**
   * The next `times` writes fail, `Infinity` for all; 0 ends it. Without `error` the storage seems to be away, and the
   * cache tries again; so it does after an error of yours. `new StorageFault('permanent')` refuses the entries themselves.
   */
  failWrites(times: number, error: Error = new StorageFault()): void {
    this.#fail(this.#writes, 'failWrites', times, error);
  }

  /** The next `times` reads fail, as {@link failWrites} does for writes. The start of a cache reads, too. */
  failReads(times: number, error: Error = new StorageFault()): void {
    this.#fail(this.#reads, 'failReads', times, error);
  }

  /** Every call takes `ms` longer from now on, on the clock of this storage; 0 ends it. `only` leaves the others as they are. */
  delay(ms: number, only?: FaultyCalls): void {
    if (!Number.isFinite(ms) || ms < 0)
      throw new CacheError('INVALID_OPTION', 'FaultyStorage.delay: takes milliseconds, 0 or more.');
    for (const plan of this.#plans(only)) plan.delayMs = ms;
  }

  /** No call settles from now on until {@link heal}, or until the storage is closed. `only` leaves the others as they are. */
  hang(only?: FaultyCalls): void {
    for (const plan of this.#plans(only)) plan.hang();
  }

  /** Ends every fault. Calls that hang go on. */
  heal(): void {
    for (const plan of this.#plans()) plan.heal();
  }

  open(): Promise<void> {
    return this.#run(() => this.inner.open());
  }

  async close(): Promise<void> {
    this.#closings += 1;
    for (const plan of this.#plans()) plan.release();
    await this.#run(() => this.inner.close());
  }

  count(namespace: string, now: number, range?: KeyRange): Promise<number> {
    return this.#call(this.#reads, () => this.inner.count(namespace, now, range));
  }

  load(namespace: string, page: LoadPage): Promise<LoadedPage> {
    return this.#call(this.#reads, () => this.inner.load(namespace, page));
  }

  read(namespace: string, keys: readonly string[]): Promise<readonly StampedEntry[]> {
    return this.#call(this.#reads, () => this.inner.read(namespace, keys));
  }

  write(atoms: readonly Atom[], commit: Commit): Promise<readonly AtomOutcome[]> {
    return this.#call(this.#writes, () => this.inner.write(atoms, commit));
  }

  modify(
    namespace: string,
    keys: readonly string[],
    decide: (rows: readonly StampedEntry[]) => readonly Atom[],
    commit: Commit,
  ): Promise<readonly AtomOutcome[]> {
    return this.#call(this.#writes, () => this.inner.modify(namespace, keys, decide, commit));
  }

  clear(namespace: string, commit: Commit): Promise<void> {
    return this.#call(this.#writes, () => this.inner.clear(namespace, commit));
  }

  clearRange(namespace: string, range: KeyRange, commit: Commit): Promise<number> {
    return this.#call(this.#writes, () => this.inner.clearRange(namespace, range, commit));
  }

  async purgeExpired(namespace: string, now: number): Promise<number> {
    this.#writes.failForEver();
    return this.#run(() => this.inner.purgeExpired(namespace, now));
  }

  classify(error: unknown): StorageFailure {
    if (error instanceof StorageFault) return error.kind;
    return error instanceof Error && this.#injected.has(error) ? 'transient' : this.inner.classify(error);
  }

  /** What the storage inside knows, which is nothing of a fault from here: whoever is told that it is away can't tell. */
  isUndone(error: unknown): boolean {
    return this.inner.isUndone?.(error) === true;
  }

  describe(): string {
    return this.inner.describe();
  }

  get identity(): string | undefined {
    return this.inner.identity;
  }

  get rescuePath(): string | undefined {
    return this.inner.rescuePath;
  }

  get warnings(): readonly string[] {
    return this.inner.warnings ?? [];
  }

  async #call<T>(plan: FaultPlan, task: () => Promise<T>): Promise<T> {
    await this.#wait(plan);
    plan.failOnce();
    return this.#run(task);
  }

  /** A call that no call of the application has brought about. */
  async #unasked<T>(plan: FaultPlan, task: () => Promise<T>): Promise<T> {
    await this.#wait(plan);
    plan.failForEver();
    return this.#run(task);
  }

  /** Hangs and delays. */
  async #wait(plan: FaultPlan): Promise<void> {
    const closings = this.#closings;
    await plan.held;
    if (plan.delayMs > 0) {
      await new Promise<void>((resolve) => {
        this.clock.setTimer(plan.delayMs, resolve, true);
      });
    }
    if (closings !== this.#closings) throw new StorageFault('transient', 'FAULT_CLOSED');
  }

  async #run<T>(task: () => Promise<T>): Promise<T> {
    this.#underway += 1;
    try {
      return await task();
    } finally {
      this.#underway -= 1;
    }
  }

  #fail(plan: FaultPlan, method: string, times: number, error: Error): void {
    if (times !== Infinity && !(Number.isSafeInteger(times) && times >= 0))
      throw new CacheError(
        'INVALID_OPTION',
        `FaultyStorage.${method}: takes how many times, a whole number or Infinity.`,
      );
    this.#injected.add(error);
    plan.fail(times, error);
  }

  #plans(only?: FaultyCalls): readonly FaultPlan[] {
    if (only === undefined) return [this.#reads, this.#writes];
    return [only === 'reads' ? this.#reads : this.#writes];
  }
}
