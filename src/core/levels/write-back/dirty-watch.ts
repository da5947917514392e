import { isEvery, type KeyRange } from '../../keys/key-range.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';
import type { RowChange } from './row-change.js';

/** What became of dirty entries while rows were read: whoever reads them may find neither the one nor the other. */
export class DirtyWatch {
  readonly #committed = new Map<MemoryKey, RowChange>();
  readonly #removed: KeyRange[];

  constructor(
    private readonly keys: KeySpace<unknown>,
    /** The ranges that are to be removed already. */
    removed: readonly KeyRange[],
  ) {
    this.#removed = [...removed];
  }

  /** Whether every row there was is gone, or to be removed. */
  get isEmptied(): boolean {
    return this.#removed.some(isEvery);
  }

  /** Whether the row there was of `key` is gone, or to be removed. */
  isRemoved(key: MemoryKey): boolean {
    return this.#removed.some((range) => this.keys.isIn(key, range));
  }

  committed(key: MemoryKey, change: RowChange): void {
    this.#committed.set(key, change);
  }

  removed(range: KeyRange): void {
    this.#removed.push(range);
    for (const key of this.#committed.keys()) if (this.keys.isIn(key, range)) this.#committed.delete(key);
  }

  /** What was committed last of `key`. */
  get(key: MemoryKey): RowChange | undefined {
    return this.#committed.get(key);
  }
}
