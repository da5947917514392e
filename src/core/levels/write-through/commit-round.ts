import type { CacheError } from '../../cache-error.js';
import type { EngineContext } from '../../context.js';
import { ABSENT, present, type KnownValue } from '../../entries/known-value.js';
import type { PersistedEntries } from '../../entries/persisted-entries.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { NamespaceDefinition } from '../../definition/namespace-definition.js';
import type { NamespaceCounters } from '../../definition/namespace-stats.js';
import { HeldValue } from '../../values/stored-value.js';
import { Fold, type FoldedKey } from './fold.js';
import type { Round, RoundWrite } from './group-committer.js';
import type { QueuedWrite } from './queued-write.js';
import type { ValueEncoder } from '../../entries/value-encoder.js';

export interface CommitRoundOptions<V> {
  readonly definition: NamespaceDefinition<unknown, V>;
  readonly keys: KeySpace<unknown>;
  readonly entries: PersistedEntries<V>;
  readonly counters: NamespaceCounters;
  readonly context: EngineContext;
  readonly values: ValueEncoder<V>;
  readonly writes: readonly QueuedWrite<V>[];
  readonly onFinish: () => void;
  /** So many writes were not taken by the database. */
  readonly onReject: (count: number, error: CacheError) => void;
}

/** One namespace's part of a group commit: reads what it must know, folds, and takes effect in memory when committed. */
export class CommitRound<V> implements Round {
  readonly namespace: string;
  /** What is committed of the keys that writes build on. */
  readonly #known = new Map<MemoryKey, KnownValue<V>>();
  #fold: Fold<V> | undefined;

  constructor(private readonly options: CommitRoundOptions<V>) {
    this.namespace = options.definition.name;
  }

  /** When the last of its writes was called. */
  get calledAt(): number {
    return this.options.writes.at(-1)?.at ?? 0;
  }

  get clears(): boolean {
    return this.#fold?.cleared !== undefined;
  }

  async prepare(): Promise<readonly (readonly RoundWrite[])[]> {
    const { writes, values, definition } = this.options;
    await this.#gather();
    // Updaters run here, once: a commit that is tried again commits what they gave.
    const fold = new Fold<V>((key) => this.#known.get(key) ?? ABSENT, values, definition.value);
    this.#fold = fold;
    for (const write of writes) fold.add(write);
    return fold.atoms().map((atom) => atom.map((folded) => this.#toWrite(folded)));
  }

  clearCommitted(): void {
    this.options.entries.applyClear();
    this.options.counters.written += 1;
    for (const settle of this.#fold?.cleared ?? []) settle();
  }

  clearAbandoned(error: CacheError): void {
    this.options.entries.doubtAll();
    this.options.onReject(this.#fold?.cleared?.length ?? 0, error);
    for (const settle of this.#fold?.cleared ?? []) settle(error);
  }

  reject(error: CacheError): void {
    this.options.onReject(this.options.writes.length, error);
    for (const write of this.options.writes) write.reject(error);
  }

  failedAttempt(error: unknown): void {
    this.options.counters.writeFailed(error, this.options.context.clock.now());
  }

  retried(): void {
    this.options.counters.retries += 1;
  }

  finish(): void {
    this.options.onFinish();
  }

  #toWrite(folded: FoldedKey<V>): RoundWrite {
    const { keys, entries, counters } = this.options;
    const snapshot = folded.found.kind === 'present' ? folded.found.snapshot : undefined;
    const failed = (error: CacheError): void => {
      this.options.onReject(folded.waiting.length, error);
      for (const settle of folded.waiting) settle(error);
    };
    return {
      namespace: this.namespace,
      key: keys.textOf(folded.key),
      value: snapshot?.text,
      expiresAt: snapshot?.expiresAt ?? null,
      committed: () => {
        counters.written += 1;
        entries.applyWrite(folded.key, snapshot);
        for (const settle of folded.waiting) settle();
      },
      failed,
      abandoned: (error) => {
        entries.doubt(folded.key);
        failed(error);
      },
    };
  }

  /**
   * Gathers the committed values that the writes build on: from memory now (an entry may be evicted while the database
   * is asked), the others in one query.
   */
  async #gather(): Promise<void> {
    const { entries } = this.options;
    this.#known.clear();
    // What a commit that was given up on may have done: nothing is built on the value of before.
    await entries.resolveDoubts();
    const unknown = this.#builtUpon().filter((key) => !this.#recall(key));
    if (unknown.length === 0) return;
    const found = await entries.reader.ask(unknown);
    unknown.forEach((key, i) => this.#known.set(key, found[i] ?? ABSENT));
  }

  /** The keys of which a write needs the committed value. */
  #builtUpon(): MemoryKey[] {
    const needed = new Set<MemoryKey>();
    const assigned = new Set<MemoryKey>();
    for (const { request } of this.options.writes) {
      // After a clear every key is known to be absent.
      if (request.kind === 'clear') break;
      if (request.kind === 'set') assigned.add(request.key);
      else if (!assigned.has(request.key)) needed.add(request.key);
    }
    return [...needed];
  }

  /** Notes what memory knows of `key`; answers whether it knows. */
  #recall(key: MemoryKey): boolean {
    const { entries, definition } = this.options;
    const value = entries.store.peek(key);
    if (value !== undefined) {
      this.#known.set(key, present(new HeldValue(value, entries.store.expiresAt(key), definition.value)));
      return true;
    }
    if (!entries.isKnownAbsent(key)) return false;
    this.#known.set(key, ABSENT);
    return true;
  }
}
