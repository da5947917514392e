import type {
  ClaimedJournal,
  JournalOrigin,
  RescuedWrite,
  RescueJournal,
} from '../../src/core/rescue/rescue-journal.js';

/** What one process has left. */
interface Left {
  readonly writes: readonly RescuedWrite[];
  readonly origin: JournalOrigin;
}

/**
 * A rescue journal that outlives the process. Whoever starts claims all of it, also what another start has claimed that may
 * still be at it: nobody can tell that one from a start that has died.
 */
export class SimulatedJournal implements RescueJournal {
  readonly isChosen = false;

  /** What was left last. */
  lastLeft: readonly RescuedWrite[] = [];
  /** What was set aside since. */
  conflicts: readonly RescuedWrite[] = [];
  readonly #left = new Set<Left>();
  /** Who has claimed what was left, last. */
  readonly #holders = new Map<Left, object>();

  describe(): string {
    return 'journal';
  }

  obstacle(): undefined {
    return undefined;
  }

  /** For how many storages there is something but `identity`. */
  ofOthers(identity: string): number {
    return [...this.#left].filter(({ origin }) => origin.identity !== identity).length;
  }

  async claim(
    identity: string | undefined,
    foreign: (place: string) => void,
  ): Promise<readonly ClaimedJournal[]> {
    const claimed: ClaimedJournal[] = [];
    for (const left of this.#left) {
      if (left.origin.identity === identity) claimed.push(this.#claimed(left));
      else foreign('journal of others');
    }
    return claimed;
  }

  appendSync(writes: readonly RescuedWrite[], origin: JournalOrigin): string {
    this.#left.add({ writes, origin: { ...origin, prefixes: [...origin.prefixes] } });
    this.lastLeft = writes;
    this.conflicts = [];
    return 'journal';
  }

  async keep(kind: 'refused' | 'conflicts', writes: readonly RescuedWrite[]): Promise<string> {
    if (kind === 'refused') throw new Error('Nothing in a simulation refuses what is in a journal.');
    this.conflicts = [...this.conflicts, ...writes];
    return 'journal of conflicts';
  }

  /** What was left last has been looked at. */
  forgetLast(): void {
    this.lastLeft = [];
    this.conflicts = [];
  }

  #claimed(left: Left): ClaimedJournal {
    const holder = {};
    this.#holders.set(left, holder);
    const isHeld = (): boolean => this.#left.has(left) && this.#holders.get(left) === holder;
    return {
      ...left.origin,
      writes: left.writes,
      damaged: false,
      isUnstamped: false,
      describe: () => 'claimed journal',
      isHeld,
      isWithOthers: () => this.#left.has(left) && !isHeld(),
      remove: async () => isHeld() && this.#left.delete(left),
      setAside: () => Promise.reject(new Error('Nothing in a simulation damages a journal.')),
    };
  }
}
