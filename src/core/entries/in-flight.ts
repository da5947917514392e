import type { MemoryKey } from '../keys/key-space.js';

/** Something on its way into memory. It must not replace what is written meanwhile. */
export interface Supersedable {
  /** `key` was written to. */
  supersede(key: MemoryKey): void;
  /** Every key was. */
  supersedeAll(): void;
}

/** Records the keys that are written during a load: the load must not put older rows over them. */
export class LoadWatch implements Supersedable {
  readonly written = new Set<MemoryKey>();
  /** Whether memory holds something newer than the load for every key. */
  isOver = false;
  /** Whether memory may lack an entry that the load has put there. */
  missesSome = false;

  supersede(key: MemoryKey): void {
    this.written.add(key);
  }

  supersedeAll(): void {
    this.isOver = true;
  }
}

/** Everything that is on its way into the memory of one namespace: reads, loads and loaders. */
export class InFlight implements Supersedable {
  readonly #parts: Supersedable[] = [];

  add(part: Supersedable): void {
    this.#parts.push(part);
  }

  remove(part: Supersedable): void {
    this.#parts.splice(this.#parts.indexOf(part), 1);
  }

  supersede(key: MemoryKey): void {
    for (const part of this.#parts) part.supersede(key);
  }

  supersedeAll(): void {
    for (const part of this.#parts) part.supersedeAll();
  }
}
