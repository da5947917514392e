import type { MemoryKey } from '../keys/key-space.js';
import type { Stamp } from '../storage-adapter.js';

/** Tells which keys are meant. */
export type Covers = (key: MemoryKey) => boolean;

/** Something on its way into memory, which must not come over what is written meanwhile. */
export interface Supersedable {
  /** `key` was written to. */
  supersede(key: MemoryKey): void;
  /** Every key was that `covers` names. */
  supersedeWhere(covers: Covers): void;
  /** Every key was. */
  supersedeAll(): void;
}

/** Records the keys that are written during a load: the load must not put older rows over them. */
export class LoadWatch implements Supersedable {
  readonly written = new Set<MemoryKey>();
  /** Those of them that others have written, so that nobody here knows what they are. */
  readonly forgotten = new Set<MemoryKey>();
  /** Of rows that were read beside memory: the stamp, `null` where there was none. */
  readonly seen = new Map<MemoryKey, Stamp | null>();
  readonly #removed: Covers[] = [];
  /** Whether what the load reads is older than what memory holds, whatever the key. */
  isOver = false;
  /** Whether memory may lack an entry that the load has put there. */
  missesSome = false;

  supersede(key: MemoryKey): void {
    this.written.add(key);
  }

  supersedeWhere(covers: Covers): void {
    this.#removed.push(covers);
  }

  /** Whether the row that the load reads of `key` is older than what there is. */
  isNewer(key: MemoryKey): boolean {
    return this.isOver || this.written.has(key) || this.#removed.some((covers) => covers(key));
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

  supersedeWhere(covers: Covers): void {
    for (const part of this.#parts) part.supersedeWhere(covers);
  }

  supersedeAll(): void {
    for (const part of this.#parts) part.supersedeAll();
  }
}
