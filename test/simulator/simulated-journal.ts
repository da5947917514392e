import type { RescuedWrite, RescuedWrites, RescueJournal } from '../../src/core/rescue/rescue-journal.js';

/** A rescue journal that outlives the process. */
export class SimulatedJournal implements RescueJournal {
  readonly isChosen = false;

  #writes: readonly RescuedWrite[] | undefined;

  describe(): string {
    return 'journal';
  }

  obstacle(): undefined {
    return undefined;
  }

  async read(): Promise<RescuedWrites | undefined> {
    return this.#writes === undefined ? undefined : { writes: this.#writes, damaged: false };
  }

  appendSync(writes: readonly RescuedWrite[]): void {
    this.#writes = [...(this.#writes ?? []), ...writes];
  }

  async remove(): Promise<void> {
    this.#writes = undefined;
  }

  async setAside(): Promise<string> {
    throw new Error('Nothing in a simulation damages a journal.');
  }

  async keepRefused(): Promise<string> {
    throw new Error('Nothing in a simulation refuses what is in a journal.');
  }
}
