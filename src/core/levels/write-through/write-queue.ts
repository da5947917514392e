import type { Clock } from '../../clock.js';
import type { KeyRange } from '../../keys/key-range.js';
import type { MemoryKey } from '../../keys/key-space.js';
import type { StoredValue } from '../../values/stored-value.js';
import type { Decide } from '../../values/decision.js';

/** A write to a write-through namespace, as it was called. */
export type WriteRequest<V> =
  | { readonly kind: 'set'; readonly key: MemoryKey; readonly stored: StoredValue<V> }
  | { readonly kind: 'modify'; readonly key: MemoryKey; readonly decide: Decide<V, unknown> }
  | { readonly kind: 'delete'; readonly key: MemoryKey }
  | { readonly kind: 'rename'; readonly key: MemoryKey; readonly to: MemoryKey }
  | { readonly kind: 'clear' }
  | { readonly kind: 'remove'; readonly range: KeyRange };

/** A write that waits for its commit, and its caller's promise. */
export class QueuedWrite<V> {
  isSettled = false;

  constructor(
    readonly request: WriteRequest<V>,
    /** When it was called, on the monotonic clock. */
    readonly at: number,
    /** How many were called before it. */
    readonly index: number,
    private readonly onSettled: (write: QueuedWrite<V>) => void,
    private readonly callers: { resolve: (result: unknown) => void; reject: (error: unknown) => void },
  ) {}

  resolve(result: unknown): void {
    if (this.#settle()) this.callers.resolve(result);
  }

  reject(error: unknown): void {
    if (this.#settle()) this.callers.reject(error);
  }

  #settle(): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    this.onSettled(this);
    return true;
  }
}

interface Flush {
  /** It waits for the writes before this one. */
  readonly upTo: number;
  /** How many of those have not ended. */
  left: number;
  readonly resolve: () => void;
}

/** The writes of a namespace in the order of their calls, and how many of them have ended. */
export class WriteQueue<V> {
  #writes: QueuedWrite<V>[] = [];
  /** Removals among them. */
  #removals = 0;
  #accepted = 0;
  #settled = 0;
  #flushes: Flush[] = [];
  readonly #onSettled = (write: QueuedWrite<V>): void => {
    this.#settled += 1;
    if (this.#flushes.length > 0) this.#endFlushes(write.index);
  };

  constructor(private readonly clock: Clock) {}

  /** Writes accepted and not ended, those taken included. */
  get open(): number {
    return this.#accepted - this.#settled;
  }

  get isEmpty(): boolean {
    return this.#writes.length === 0;
  }

  /** When the first one was called. */
  get oldestAt(): number | undefined {
    return this.#writes[0]?.at;
  }

  push(request: WriteRequest<V>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const at = this.clock.monotonic();
      this.#writes.push(new QueuedWrite(request, at, this.#accepted, this.#onSettled, { resolve, reject }));
      this.#accepted += 1;
      if (request.kind === 'remove') this.#removals += 1;
    });
  }

  /** Takes the next ones out, `limit` at most; a removal is taken alone. */
  take(limit: number): QueuedWrite<V>[] {
    const count = this.#removals === 0 ? limit : Math.min(limit, this.#untilRemoval());
    if (this.#writes.length > count) return this.#writes.splice(0, count);
    const taken = this.#writes;
    this.#writes = [];
    return taken;
  }

  /** Ends those that were called at `time` or before, and have not been taken; returns how many. */
  rejectBefore(time: number, error: unknown): number {
    const left = this.#writes.findIndex((write) => write.at > time);
    const ended = this.#writes.splice(0, left < 0 ? this.#writes.length : left);
    for (const write of ended) write.reject(error);
    if (this.#removals > 0) this.#removals = this.#writes.filter(isRemoval).length;
    return ended.length;
  }

  /** Resolves when every write accepted so far has ended. */
  settled(): Promise<void> {
    if (this.open === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#flushes.push({ upTo: this.#accepted, left: this.open, resolve });
    });
  }

  /** How many writes to take, at most, so that a removal among them is taken alone. */
  #untilRemoval(): number {
    const first = this.#writes.findIndex(isRemoval);
    if (first === 0) this.#removals -= 1;
    return first === 0 ? 1 : first;
  }

  #endFlushes(index: number): void {
    for (const flush of this.#flushes) {
      if (index >= flush.upTo) continue;
      flush.left -= 1;
      if (flush.left === 0) flush.resolve();
    }
    this.#flushes = this.#flushes.filter(({ left }) => left > 0);
  }
}

function isRemoval<V>({ request }: QueuedWrite<V>): boolean {
  return request.kind === 'remove';
}

/** The keys of which a write needs to know what is committed, and whether the very text of it. */
export function keysBuiltUpon<V>(writes: readonly QueuedWrite<V>[]): Map<MemoryKey, boolean> {
  const needed = new Map<MemoryKey, boolean>();
  const assigned = new Set<MemoryKey>();
  for (const { request, isSettled } of writes) {
    if (isSettled) continue;
    // After a clear every key is known to be absent.
    if (request.kind === 'clear' || request.kind === 'remove') break;
    if (request.kind === 'set') assigned.add(request.key);
    else if (!assigned.has(request.key))
      needed.set(request.key, request.kind === 'rename' || needed.get(request.key) === true);
  }
  return needed;
}

/** The keys that writes write to. */
export function* keysWritten<V>(writes: readonly QueuedWrite<V>[]): Generator<MemoryKey> {
  for (const { request, isSettled } of writes) {
    if (isSettled || request.kind === 'clear' || request.kind === 'remove') continue;
    yield request.key;
    if (request.kind === 'rename') yield request.to;
  }
}
