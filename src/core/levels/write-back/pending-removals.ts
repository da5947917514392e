import { contains, type KeyRange } from '../../keys/key-range.js';
import type { KeySpace, MemoryKey } from '../../keys/key-space.js';

/** The ranges whose rows are to be removed before anything else is written. No two of them overlap. */
export class PendingRemovals {
  #ranges: readonly KeyRange[] = [];

  constructor(private readonly keys: KeySpace<unknown>) {}

  get ranges(): readonly KeyRange[] {
    return this.#ranges;
  }

  /** The one to be written next. */
  get next(): KeyRange | undefined {
    return this.#ranges[0];
  }

  /** Whether the row of `key` is to be removed. */
  has(key: MemoryKey): boolean {
    return this.#ranges.length > 0 && this.#ranges.some((range) => this.keys.isIn(key, range));
  }

  /** Whether all of `range` is to be removed already: while that is not written, nothing later is either. */
  covers(range: KeyRange): boolean {
    return this.#ranges.some((other) => contains(other, range));
  }

  add(range: KeyRange): void {
    if (!this.covers(range))
      this.#ranges = [...this.#ranges.filter((other) => !contains(range, other)), range];
  }

  /** Its rows are gone. */
  end(range: KeyRange): void {
    this.#ranges = this.#ranges.filter((other) => other !== range);
  }
}
