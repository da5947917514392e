import { CacheError, isCacheError } from '../cache-error.js';
import { within, type Clock } from '../clock.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { NamespaceCounters } from '../definition/namespace-stats.js';
import type { KeySpace, MemoryKey } from '../keys/key-space.js';
import type { Level } from '../levels/level.js';
import { acknowledgesEarly } from '../levels/levels.js';
import type { Decisions } from './decisions.js';
import { noValue } from './given-value.js';
import { LoaderCalls, type LoaderCall } from './loader-calls.js';
import type { OtherInstances } from './other-instances.js';

export interface ReadThroughOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: Pick<KeySpace<unknown>, 'textOf'>;
  readonly level: Level<V>;
  readonly decisions: Decisions<V>;
  readonly counters: NamespaceCounters;
  readonly clock: Clock;
  readonly others: Pick<OtherInstances, 'freshness'>;
}

/** Reads of keys that a loader of the application fills in where there is nothing: one loader per key at a time. */
export class ReadThrough<V> {
  /** The loaders under way. What takes effect meanwhile supersedes them. */
  readonly calls: LoaderCalls<V>;

  constructor(private readonly options: ReadThroughOptions<V>) {
    this.calls = new LoaderCalls(options.clock, options.others.freshness.maxStaleMs);
  }

  /** The value of a key that is not in memory, loaded where there is none. Gives up after `timeoutMs`, where that is set. */
  async get(
    key: MemoryKey,
    loader: () => V | Promise<V>,
    ttlMs: number | undefined,
    timeoutMs: number | undefined,
  ): Promise<V> {
    const call = this.calls.join(key, (begun) => this.#load(begun, key, loader, ttlMs));
    if (timeoutMs !== undefined) call.giveUpAfter(timeoutMs, () => this.#timedOut(key, timeoutMs));
    const value = await call.outcome;
    // The object itself where one caller waits, else to each what is theirs.
    if (call.callers === 1) return value;
    call.copies ??= this.options.level.values.copies(value);
    return call.copies();
  }

  async #load(
    call: LoaderCall<V>,
    key: MemoryKey,
    loader: () => V | Promise<V>,
    ttlMs: number | undefined,
  ): Promise<V> {
    const { level, counters, definition } = this.options;
    const stored = await level.get(key);
    call.isReading = false;
    if (stored !== undefined || call.isGivenUp) return stored as V;
    counters.loaderCalls += 1;
    const value = await loader();
    call.loaded();
    if (value === undefined)
      throw noValue(definition.name, 'The loader gave undefined. Return null for "nothing", or throw.');
    const isCurrent = call.isCurrent && (await this.#isConfirmed()) && call.isCurrent;
    return isCurrent ? this.#store(call, key, value, ttlMs) : level.values.restored(value);
  }

  /**
   * Whether every change that others have committed by now has superseded the loaders that it concerns: one of them may be a
   * removal of what this loader has read before it was changed, and no row tells of a removal. Where nobody can say, a value that
   * would be written through is not stored; one that is written back meets its row later anyway.
   */
  async #isConfirmed(): Promise<boolean> {
    const { others, clock, definition } = this.options;
    const { maxStaleMs } = others.freshness;
    // Nobody else writes here.
    if (maxStaleMs === Infinity) return true;
    try {
      if (await within(clock, maxStaleMs, others.freshness.confirmedAnew())) return true;
    } catch {
      // The database is away: see below.
    }
    return acknowledgesEarly(definition);
  }

  /** Stores what a loader gave unless there is a value by now. What could not be stored is still an answer. */
  async #store(call: LoaderCall<V>, key: MemoryKey, value: V, ttlMs: number | undefined): Promise<V> {
    const { level, counters, decisions } = this.options;
    counters.sets += 1;
    try {
      const loaded = level.values.stored(value, ttlMs);
      // It may wait for its turn, and be superseded meanwhile.
      const decide = decisions.load(loaded, () => call.isCurrent);
      return await level.modify(key, decide, loaded);
    } catch (error) {
      if (isCacheError(error, 'INVALID_VALUE')) throw error;
      return level.values.restored(value);
    }
  }

  #timedOut(key: MemoryKey, timeoutMs: number): CacheError {
    const { name } = this.options.definition;
    return new CacheError(
      'LOAD_TIMED_OUT',
      `Namespace '${name}': the value was not loaded within ${timeoutMs} ms. The next call starts a new load; ` +
        'raise timeoutMs where the loader needs longer.',
      { namespace: name, key: this.options.keys.textOf(key) },
    );
  }
}
