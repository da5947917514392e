import { nextTurn, type Clock } from '../clock.js';
import { commitTraces, inThisContext } from '../tracing.js';

/** Something that has writes to make. */
export interface WriteSource {
  /** Makes one bounded batch of writes; returns whether it has more to write now. Should not reject. */
  turn(): Promise<boolean>;
}

/**
 * The single drainer of a storage: gives its sources their turns one at a time, round-robin, so that two writes never
 * overlap and none starves another. Pumped by turns of the event loop and not by microtasks: a flood of writes gathers
 * into batches and leaves the loop to others.
 */
export class WriteTurns {
  /** The turns that were asked for, each as it is to be taken: in the context of who asked first. */
  readonly #waiting = new Map<WriteSource, () => Promise<boolean>>();
  #draining = false;
  #isTaken = false;

  constructor(
    private readonly clock: Clock,
    /** Called with the error of a turn that rejects; the other sources go on. */
    private readonly onFault: (error: unknown) => void,
  ) {}

  /** Whether a source has its turn now: others wait for its end. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** Asks for a turn for `source`. Asking again before the turn came changes nothing. */
  request(source: WriteSource): void {
    if (!this.#waiting.has(source))
      this.#waiting.set(
        source,
        inThisContext(commitTraces, () => source.turn()),
      );
    if (this.#draining) return;
    this.#draining = true;
    void this.#drain();
  }

  async #drain(): Promise<void> {
    await nextTurn(this.clock);
    for (const [source, turn] of this.#waiting) {
      // Removed first: a request during the turn is for another turn.
      this.#waiting.delete(source);
      this.#isTaken = true;
      try {
        const hasMore = await turn();
        if (hasMore && !this.#waiting.has(source)) this.#waiting.set(source, turn);
      } catch (error) {
        this.onFault(error);
      }
      this.#isTaken = false;
      await nextTurn(this.clock);
    }
    this.#draining = false;
  }
}
