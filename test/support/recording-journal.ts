import type { JournalOrigin, RescuedWrite, RescueJournal } from '../../src/core/rescue/rescue-journal.js';

/** A journal that nothing is replayed from: for tests of what is left in it. */
export class RecordingJournal implements RescueJournal {
  readonly isChosen = false;
  readonly left: RescuedWrite[] = [];
  origin: JournalOrigin | undefined;

  describe(): string {
    return 'recording';
  }

  obstacle(): undefined {
    return undefined;
  }

  async claim(): Promise<readonly []> {
    return [];
  }

  appendSync(writes: readonly RescuedWrite[], origin: JournalOrigin): string {
    this.left.push(...writes);
    this.origin = origin;
    return 'nowhere';
  }

  async keep(): Promise<string> {
    return 'nowhere';
  }
}
