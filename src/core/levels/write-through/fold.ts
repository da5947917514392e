import { ABSENT, present, storedOf, valueOf, type KnownValue } from '../../entries/known-value.js';
import type { MemoryKey } from '../../keys/key-space.js';
import { StoredValue } from '../../values/stored-value.js';
import type { ValueCodec } from '../../values/value-codec.js';
import type { QueuedWrite, WriteRequest } from './write-queue.js';

/** Called when what a write waits for has been committed, or with the reason why it has not. */
export type Settle = (error?: unknown) => void;

/** One key in a fold. */
export interface FoldedKey<V> {
  readonly key: MemoryKey;
  /** What was committed of it. */
  readonly base: KnownValue<V>;
  /** Whether a write has looked at that. */
  isBuiltUpon: boolean;
  /** What the key becomes. */
  found: KnownValue<V>;
  /** Whether that was written by this fold, and so must be committed. */
  changed: boolean;
  /** Whether it is what a loader gave. */
  isLoaded: boolean;
  readonly waiting: Settle[];
}

export interface FoldOptions {
  /** What a removal returns, which is always the only write; asked when that is committed. */
  readonly removed: () => number | undefined;
  /**
   * Whether others write to the same rows. Then a write that fails waits for what its key is about, since what it failed on may
   * not be what there is; and the removal of what is not there is written, since it tells those who are about to store it.
   */
  readonly isShared: boolean;
}

type RequestOf<V, Kind> = WriteRequest<V> & { kind: Kind };

/**
 * Writes to one namespace folded, in the order of their calls, over its committed values: what each key becomes, and
 * what each call returns once that is committed. A `clear` makes void what was folded before it, and settles it.
 */
export class Fold<V> {
  /** Who waits for the namespace to be cleared; `undefined` when nobody asked for it. */
  cleared: Settle[] | undefined;
  readonly #keys = new Map<MemoryKey, FoldedKey<V>>();
  readonly #ties: [MemoryKey, MemoryKey][] = [];

  constructor(
    /** What is committed of a key; asked once for each key. */
    private readonly committed: (key: MemoryKey) => KnownValue<V>,
    private readonly codec: ValueCodec<V>,
    private readonly options: FoldOptions,
  ) {}

  /** A write that fails here (its updater throws, its row does not decode) rejects alone, and changes nothing. */
  add(write: QueuedWrite<V>): void {
    try {
      this.#apply(write);
    } catch (error) {
      if (this.options.isShared && 'key' in write.request)
        this.#key(write.request.key).waiting.push((failure) => write.reject(failure ?? error));
      else write.reject(error);
    }
  }

  /** The keys to commit, those that must be committed together as one atom; and those that no write has changed. */
  groups(): { readonly atoms: FoldedKey<V>[][]; readonly unchanged: FoldedKey<V>[] } {
    const groups = new Map<MemoryKey, FoldedKey<V>[]>();
    for (const folded of this.#keys.values()) groups.set(folded.key, [folded]);
    for (const [one, other] of this.#ties) {
      const first = groups.get(one);
      const second = groups.get(other);
      if (first === undefined || second === undefined || first === second) continue;
      first.push(...second);
      for (const member of second) groups.set(member.key, first);
    }
    const atoms: FoldedKey<V>[][] = [];
    const unchanged: FoldedKey<V>[] = [];
    for (const group of new Set(groups.values())) {
      // What is tied together was changed together.
      if (group.every((folded) => folded.changed)) atoms.push(group);
      else unchanged.push(...group);
    }
    return { atoms, unchanged };
  }

  /** Settles writes that have changed nothing. What came after a clear was answered in view of it, and holds only if it is committed. */
  settle(unchanged: readonly FoldedKey<V>[]): void {
    for (const { waiting } of unchanged) {
      if (this.cleared !== undefined) this.cleared.push(...waiting);
      else for (const settle of waiting) settle();
    }
  }

  #apply(write: QueuedWrite<V>): void {
    const { request } = write;
    switch (request.kind) {
      case 'set':
        this.#assign(request.key, present(request.stored));
        this.#wait(request.key, write, undefined);
        break;
      case 'modify':
        this.#modify(request, write);
        break;
      case 'delete':
        this.#delete(request, write);
        break;
      case 'rename':
        this.#rename(request, write);
        break;
      case 'clear':
        this.#clear(write);
        break;
      case 'remove':
        this.#clear(write, this.options.removed);
        break;
    }
  }

  #modify({ key, decide }: RequestOf<V, 'modify'>, write: QueuedWrite<V>): void {
    const { found } = this.#lookedAt(key);
    const { next, result, isLoaded } = decide(valueOf(found, this.codec), storedOf(found));
    if (next !== undefined) this.#assign(key, next === null ? ABSENT : present(next), isLoaded);
    this.#wait(key, write, result);
  }

  #delete({ key }: RequestOf<V, 'delete'>, write: QueuedWrite<V>): void {
    const existed = this.#lookedAt(key).found.kind !== 'absent';
    if (existed || this.options.isShared) this.#assign(key, ABSENT);
    this.#wait(key, write, existed);
  }

  #rename({ key, to }: RequestOf<V, 'rename'>, write: QueuedWrite<V>): void {
    const { found } = this.#lookedAt(key);
    const exists = valueOf(found, this.codec) !== undefined && found.kind === 'present';
    if (exists && key !== to) {
      this.#assign(to, present(new StoredValue<V>(found.stored.text, found.stored.expiresAt)));
      this.#assign(key, ABSENT);
      this.#ties.push([key, to]);
    }
    this.#wait(key, write, exists);
  }

  #clear(write: QueuedWrite<V>, result: () => unknown = () => undefined): void {
    this.cleared ??= [];
    for (const folded of this.#keys.values()) this.cleared.push(...folded.waiting);
    this.#keys.clear();
    this.#ties.length = 0;
    this.cleared.push((error) => settling(write, result())(error));
  }

  #assign(key: MemoryKey, found: KnownValue<V>, isLoaded = false): void {
    const folded = this.#key(key);
    folded.found = found;
    folded.changed = true;
    folded.isLoaded = isLoaded;
  }

  #wait(key: MemoryKey, write: QueuedWrite<V>, result: unknown): void {
    this.#key(key).waiting.push(settling(write, result));
  }

  /** A key whose value decides what a write does. What an earlier write has left of it is no longer what was committed. */
  #lookedAt(key: MemoryKey): FoldedKey<V> {
    const folded = this.#key(key);
    if (!folded.changed) folded.isBuiltUpon = true;
    return folded;
  }

  #key(key: MemoryKey): FoldedKey<V> {
    let folded = this.#keys.get(key);
    if (folded === undefined) {
      const found = this.cleared === undefined ? this.committed(key) : ABSENT;
      folded = { key, base: found, isBuiltUpon: false, found, changed: false, isLoaded: false, waiting: [] };
      this.#keys.set(key, folded);
    }
    return folded;
  }
}

function settling<V>(write: QueuedWrite<V>, result: unknown): Settle {
  return (error) => (error === undefined ? write.resolve(result) : write.reject(error));
}
