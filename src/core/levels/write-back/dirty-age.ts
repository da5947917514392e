import type { Clock } from '../../clock.js';

/**
 * How long the oldest unwritten entry has been waiting, without a time per entry: a pass that wrote everything leaves
 * only what came after its beginning. Where a pass left something behind, the age counts from before it.
 */
export class DirtyAge {
  #oldestAt: number | undefined;
  /** The first one since the pass under way began. */
  #laterAt: number | undefined;

  constructor(private readonly clock: Clock) {}

  get ms(): number {
    return this.#oldestAt === undefined ? 0 : Math.max(0, this.clock.monotonic() - this.#oldestAt);
  }

  add(): void {
    if (this.#laterAt !== undefined) return;
    this.#laterAt = this.clock.monotonic();
    this.#oldestAt ??= this.#laterAt;
  }

  beginPass(): void {
    this.#laterAt = undefined;
  }

  endPass(leftSomething: boolean): void {
    if (!leftSomething) this.#oldestAt = this.#laterAt;
  }
}
