import type { MemoryKey } from '../../keys/key-space.js';
import type { RowChange } from './row-change.js';

/** What became of dirty entries while rows were read: whoever reads them may find neither the one nor the other. */
export class DirtyWatch {
  readonly #committed = new Map<MemoryKey, RowChange>();
  #isCleared: boolean;

  constructor(isCleared: boolean) {
    this.#isCleared = isCleared;
  }

  /** Whether the rows there were are gone, or to be removed. */
  get isCleared(): boolean {
    return this.#isCleared;
  }

  committed(key: MemoryKey, change: RowChange): void {
    this.#committed.set(key, change);
  }

  cleared(): void {
    this.#isCleared = true;
    this.#committed.clear();
  }

  /** What was committed last of `key`. */
  get(key: MemoryKey): RowChange | undefined {
    return this.#committed.get(key);
  }
}
