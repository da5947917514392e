import type { MemoryKey } from '../../keys/key-space.js';

/** An operation that has not ended, and those that wait for it. */
class Operation {
  /** How many of those before it have not ended. */
  blockers = 0;
  readonly followers: Operation[] = [];

  constructor(
    readonly keys: readonly MemoryKey[],
    readonly start: () => void,
  ) {}

  precede(follower: Operation): void {
    this.followers.push(follower);
    follower.blockers += 1;
  }
}

/**
 * The order in which operations on one namespace take effect: those of one key in the order of their calls, those of the
 * whole namespace (no keys) between all before them and all after. An operation that has to wait, for the database or for
 * room, holds up those behind it on its keys, and no others.
 */
export class OperationOrder {
  /** The last operation of each key that has not ended. */
  readonly #last = new Map<MemoryKey, Operation>();
  /** The last one of the whole namespace. */
  #barrier: Operation | undefined;
  readonly #open = new Set<Operation>();
  /** Those of them that were called after it. */
  readonly #sinceBarrier = new Set<Operation>();
  /** Those whose turn has come, while one of them starts. */
  #due: Operation[] | undefined;
  #bytes = 0;
  #idleWaiters: (() => void)[] = [];

  /** Whether every operation has ended: the next one takes effect at its call. */
  get isIdle(): boolean {
    return this.#open.size === 0;
  }

  /** Whether an operation on `key` has not ended. */
  holds(key: MemoryKey): boolean {
    return this.#barrier !== undefined || this.#last.has(key);
  }

  /** Operations that have not ended. */
  get length(): number {
    return this.#open.size;
  }

  /** Bytes of encoded values that they hold. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Runs `task` when every earlier operation on one of `keys` has ended, at once where there is none. A failure is its
   * caller's alone. `bytes` are those of the value it holds meanwhile.
   */
  run<T>(keys: readonly MemoryKey[], task: () => T | Promise<T>, bytes = 0): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#bytes -= bytes;
        this.#end(operation);
      };
      const operation = new Operation(keys, () => {
        let result: T | Promise<T>;
        try {
          result = task();
        } catch (error) {
          end();
          reject(error);
          return;
        }
        if (!(result instanceof Promise)) {
          end();
          resolve(result);
          return;
        }
        result.then(
          (value) => {
            end();
            resolve(value);
          },
          (error: unknown) => {
            end();
            reject(error);
          },
        );
      });
      this.#bytes += bytes;
      this.#enter(operation);
      if (operation.blockers === 0) this.#start(operation);
    });
  }

  /** Resolves when every operation there is now, and all that come before the last of them ends, have ended. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
    });
  }

  #enter(operation: Operation): void {
    if (operation.keys.length === 0) {
      // Those before the last barrier end before that.
      this.#barrier?.precede(operation);
      for (const earlier of this.#sinceBarrier) earlier.precede(operation);
      this.#sinceBarrier.clear();
      this.#barrier = operation;
      this.#last.clear();
    } else {
      this.#barrier?.precede(operation);
      for (const key of operation.keys) {
        this.#last.get(key)?.precede(operation);
        this.#last.set(key, operation);
      }
      this.#sinceBarrier.add(operation);
    }
    this.#open.add(operation);
  }

  /** One may end at once, and let the next one start: in a loop, since thousands would be too deep for the stack. */
  #start(operation: Operation): void {
    if (this.#due !== undefined) {
      this.#due.push(operation);
      return;
    }
    this.#due = [operation];
    for (const due of this.#due) due.start();
    this.#due = undefined;
  }

  #end(operation: Operation): void {
    this.#open.delete(operation);
    this.#sinceBarrier.delete(operation);
    if (this.#barrier === operation) this.#barrier = undefined;
    for (const key of operation.keys) if (this.#last.get(key) === operation) this.#last.delete(key);
    for (const follower of operation.followers) {
      follower.blockers -= 1;
      if (follower.blockers === 0) this.#start(follower);
    }
    if (!this.isIdle || this.#idleWaiters.length === 0) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}
