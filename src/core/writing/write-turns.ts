import { nextTurn, type Clock } from '../clock.js';

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
  readonly #waiting = new Set<WriteSource>();
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
    this.#waiting.add(source);
    if (this.#draining) return;
    this.#draining = true;
    void this.#drain();
  }

  async #drain(): Promise<void> {
    await nextTurn(this.clock);
    for (const source of this.#waiting) {
      // Removed first: a request during the turn is for another turn.
      this.#waiting.delete(source);
      this.#isTaken = true;
      try {
        if (await source.turn()) this.#waiting.add(source);
      } catch (error) {
        this.onFault(error);
      }
      this.#isTaken = false;
      await nextTurn(this.clock);
    }
    this.#draining = false;
  }
}
