import { AsyncResource } from 'node:async_hooks';
import { CacheError } from '../../cache-error.js';
import type { MemoryKey } from '../../keys/key-space.js';
import type { FlushReport } from '../../reports.js';
import { flushTraces } from '../../tracing.js';
import { textOf, type RowChange } from './row-change.js';
import type { DirtyEntries, TakenChange } from './dirty-entries.js';

/** One pass over everything that was dirty at its start. Keys that become dirty meanwhile are for the next one. */
export class FlushPass {
  readonly report: Promise<FlushReport>;
  /** Whether those who listen were told of it. */
  isTraced = false;
  #resolve!: (report: FlushReport) => void;
  #keys: readonly MemoryKey[] | undefined;
  #includesRefused: boolean;
  #isFixed = false;
  #next = 0;
  #written = 0;
  #failed = 0;
  #error: CacheError | undefined;
  /** Where somebody listens: what `AsyncLocalStorage` holds where it was asked for, or since {@link bindContext}. */
  #context = flushTraces.hasSubscribers ? new AsyncResource('FlushPass') : undefined;

  constructor(
    includesRefused: boolean,
    /** When it was asked for, on the monotonic clock. */
    private readonly startedAt: number,
  ) {
    this.#includesRefused = includesRefused;
    this.report = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Whether it is about refused entries, too. */
  get includesRefused(): boolean {
    return this.#includesRefused;
  }

  /** Adds refused entries to what the pass is about. Returns whether the pass was still to be fixed. */
  includeRefused(): boolean {
    if (!this.#isFixed) this.#includesRefused = true;
    return !this.#isFixed;
  }

  /** Its steps are run from now on with what `AsyncLocalStorage` holds here. */
  bindContext(): void {
    this.#context = new AsyncResource('FlushPass');
  }

  /** Runs a step of it, in its context. */
  run<T>(step: () => T): T {
    return this.#context === undefined ? step() : this.#context.runInAsyncScope(step);
  }

  /** What is dirty now is what the pass is about. */
  fix(): void {
    this.#isFixed = true;
  }

  get hasBegun(): boolean {
    return this.#keys !== undefined;
  }

  /** Takes what the pass is about, in the order in which it is to be written; refused entries come last, so that they hold up nobody. */
  begin(keys: readonly MemoryKey[], dirty: DirtyEntries): void {
    this.#keys = keys;
    if (dirty.refusedCount === 0) return;
    const good = keys.filter((key) => !dirty.isRefused(key));
    this.#keys = this.includesRefused ? [...good, ...keys.filter((key) => dirty.isRefused(key))] : good;
  }

  /**
   * The next batch: atoms of keys that must be written together, about `limit.keys` in all or `limit.characters` of
   * their values. Refused entries are never batched with others.
   */
  take<Row extends TakenChange>(
    dirty: DirtyEntries,
    limit: { readonly keys: number; readonly characters: number },
    rowOf: (key: MemoryKey, change: RowChange) => Row,
  ): Row[][] {
    const keys = this.#keys ?? [];
    const atoms: Row[][] = [];
    // Only what is tied can come a second time: with the first of its group.
    const taken = dirty.hasTies ? new Set<MemoryKey>() : undefined;
    let count = 0;
    let characters = 0;
    let refusedBatch: boolean | undefined;
    while (this.#next < keys.length && count < limit.keys && characters < limit.characters) {
      const key = keys[this.#next] as MemoryKey;
      const refused = dirty.isRefused(key);
      if (refusedBatch !== undefined && refused !== refusedBatch) break;
      this.#next += 1;
      if (taken?.has(key) === true) continue;
      const atom = atomOf(dirty, key, rowOf);
      if (atom.length === 0) continue;
      for (const member of atom) {
        taken?.add(member.memoryKey);
        characters += textOf(member.change)?.length ?? 0;
      }
      count += atom.length;
      atoms.push(atom);
      refusedBatch = refused;
    }
    return atoms;
  }

  get hasFailures(): boolean {
    return this.#failed > 0;
  }

  /** Entries counted for its report so far. */
  get written(): number {
    return this.#written;
  }

  wrote(count: number): void {
    this.#written += count;
  }

  failed(count: number, error: CacheError): void {
    this.#failed += count;
    this.#error = error;
  }

  /** Gives up on what is left of the pass: the database is unavailable. */
  abandon(error: CacheError): void {
    const keys = this.#keys ?? [];
    this.failed(keys.length - this.#next, error);
    this.#next = keys.length;
  }

  get isOver(): boolean {
    return this.#keys !== undefined && this.#next >= this.#keys.length;
  }

  finish(remaining: number, now: number): void {
    this.#resolve({
      written: this.#written,
      failed: this.#failed,
      remaining,
      durationMs: now - this.startedAt,
      error: this.#error,
    });
  }
}

/** What is dirty of `keys` and of those that must be written together with them. */
export function atomsOf<Row extends TakenChange>(
  dirty: DirtyEntries,
  keys: readonly MemoryKey[],
  rowOf: (key: MemoryKey, change: RowChange) => Row,
): Row[][] {
  const taken = new Set<MemoryKey>();
  const atoms: Row[][] = [];
  for (const key of keys) {
    if (taken.has(key)) continue;
    const atom = atomOf(dirty, key, rowOf);
    for (const { memoryKey } of atom) taken.add(memoryKey);
    atoms.push(atom);
  }
  return atoms;
}

function atomOf<Row>(
  dirty: DirtyEntries,
  key: MemoryKey,
  rowOf: (key: MemoryKey, change: RowChange) => Row,
): Row[] {
  const atom: Row[] = [];
  for (const member of dirty.groupOf(key) ?? [key]) {
    const change = dirty.get(member);
    if (change !== undefined) atom.push(rowOf(member, change));
  }
  return atom;
}
