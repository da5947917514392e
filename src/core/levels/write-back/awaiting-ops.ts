import { present, type KnownValue } from '../../entries/known-value.js';
import type { MissReader } from '../../entries/miss-reader.js';
import type { MemoryKey } from '../../keys/key-space.js';
import type { StoredValue } from '../../values/stored-value.js';
import type { DirtyBudget } from './dirty-budget.js';

/**
 * What an operation makes of what there is of its key: its own result, and what the next operation finds. `current` is
 * false when the key was written to while the database was asked.
 */
export type KnownOp<V, T> = (found: KnownValue<V>, current: boolean) => { result: T; found: KnownValue<V> };

/** The operations of a write-back namespace that wait for the database to say what there is of their key. */
export class AwaitingOps<V> {
  readonly #reads = new Set<Promise<unknown>>();
  readonly #writes = new Set<Promise<unknown>>();

  constructor(
    private readonly reader: MissReader<V>,
    private readonly budget: DirtyBudget,
  ) {}

  get hasWrites(): boolean {
    return this.#writes.size > 0;
  }

  read<T>(key: MemoryKey, op: KnownOp<V, T>): Promise<T> {
    const answered = this.#answered(key, op, false);
    hold(answered, this.#reads);
    return answered;
  }

  write<T>(key: MemoryKey, op: KnownOp<V, T>): Promise<T> {
    const answered = this.#answered(key, op, true);
    // What the write will take of the budget is taken now: many that wait must not go over it together.
    this.budget.take();
    hold(answered, this.#writes, () => this.budget.release(1));
    return answered;
  }

  /** Runs `put`, which leaves `snapshot`, after the writes that wait for `key`, whatever becomes of those. */
  writeBehind(key: MemoryKey, snapshot: StoredValue<V>, put: () => void): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      const write = (): void => {
        try {
          put();
          resolve();
        } catch (error) {
          reject(error);
        }
      };
      this.reader.read(
        key,
        (_found, current) => {
          if (current) write();
          else resolve();
          return present(snapshot);
        },
        write,
        true,
      );
    });
    hold(written, this.#writes);
    // One of its own for the caller: a failure that nobody looks at is to be reported as such.
    return written.then(() => undefined);
  }

  async writesSettled(): Promise<void> {
    await Promise.allSettled(this.#writes);
  }

  async settled(): Promise<void> {
    await Promise.allSettled([...this.#writes, ...this.#reads]);
  }

  #answered<T>(key: MemoryKey, op: KnownOp<V, T>, writes: boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      const handle = (found: KnownValue<V>, current: boolean): KnownValue<V> => {
        try {
          const done = op(found, current);
          resolve(done.result);
          return done.found;
        } catch (error) {
          reject(error);
          return found;
        }
      };
      this.reader.read(key, handle, reject, writes);
    });
  }
}

/** Counts `promise` among `waiting` until it is settled. */
function hold(promise: Promise<unknown>, waiting: Set<Promise<unknown>>, settled?: () => void): void {
  waiting.add(promise);
  const done = (): void => {
    waiting.delete(promise);
    settled?.();
  };
  promise.then(done, done);
}
