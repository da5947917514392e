import type { LogPosition, Writer } from '../storage-adapter.js';
import type { ChangeListener } from './change-listener.js';
import { readNote } from './note.js';
import { hasStopped, type LogHead, type LogNote, type SharedStorage } from './shared-storage.js';

/** Most notes of a writer that are read at once. */
const NOTES_PER_READ = 1000;

/**
 * What an instance has read of the others' logs, a position for each writer: the notes up to there were applied. A message
 * brings a note early; that it may come twice, late or never is no matter, since the logs themselves have all of them.
 */
export class LogReader {
  readonly #applied = new Map<Writer, number>();
  /** As they were read last. */
  #heads = new Map<Writer, LogHead>();
  /** Whether a message came of which those before it are missing, or a look has failed after it was told that there is something to see. */
  #isBehind = false;

  constructor(
    private readonly storage: SharedStorage,
    /** By namespace. */
    private readonly listeners: ReadonlyMap<string, ChangeListener>,
    /** The number of this instance, whose commits take effect by themselves. */
    private readonly own: () => Writer | undefined,
  ) {}

  /** The instances there are, this one included, as far as is known. */
  get instances(): readonly LogHead[] {
    return [...this.#heads.values()];
  }

  /** Begins with the logs as they are: what they hold is in every row that is read from now on. Gives how far they reach. */
  async begin(): Promise<readonly LogHead[]> {
    const heads = await this.storage.heads();
    this.#applied.clear();
    this.#reached(heads);
    this.#isBehind = false;
    return heads;
  }

  /** The same after it has lost track: memory is worth nothing. */
  async beginAnew(): Promise<readonly LogHead[]> {
    const heads = await this.begin();
    this.forgetAll();
    return heads;
  }

  /** Applies what others have committed since. Gives how far the logs reach, where that was asked. Rejects with what the storage throws. */
  async catchUp(): Promise<readonly LogHead[] | undefined> {
    const wasBehind = this.#isBehind;
    // Until it is over: a question of which the answer gets lost is not asked again, and neither is what follows from it.
    this.#isBehind = true;
    // Asked first: what it answers `false` to is only what was there then.
    if ((await this.storage.hasChanged?.()) === false && !wasBehind) {
      this.#isBehind = false;
      return undefined;
    }
    // Messages that come while they are asked for may be of commits behind them.
    const before = new Map(this.#applied);
    const heads = await this.storage.heads();
    if (this.#isContinuous(before, heads)) {
      await this.#readUpTo(heads);
    } else {
      this.#applied.clear();
      this.forgetAll();
    }
    this.#isBehind = false;
    this.#reached(heads);
    return heads;
  }

  /** Nobody knows what the others have changed: it may be anything. */
  forgetAll(): void {
    for (const listener of this.listeners.values()) listener.lostTrack();
  }

  /** Takes a note that came as a message. Gives whether notes before it are missing, which {@link catchUp} finds. */
  received(note: LogNote): boolean {
    const { writer, n } = note;
    const applied = this.#applied.get(writer);
    if (writer === this.own() || (applied !== undefined && n <= applied)) return false;
    this.#apply(note);
    // Of a writer that the logs have not told of nobody knows where it is.
    const isNext = applied !== undefined && n === applied + 1;
    if (isNext) this.#applied.set(writer, n);
    else this.#isBehind = true;
    return !isNext;
  }

  /** Whether each log goes on from where it was: none is shorter than before, and none is gone whose end was not seen. */
  #isContinuous(positions: ReadonlyMap<Writer, number>, heads: readonly LogHead[]): boolean {
    const known = new Map(heads.map((head) => [head.writer, head]));
    for (const [writer, n] of positions) {
      const now = known.get(writer);
      const before = this.#heads.get(writer);
      if (now === undefined ? !(before !== undefined && hasStopped(before) && before.n <= n) : now.n < n)
        return false;
    }
    return true;
  }

  async #readUpTo(heads: readonly LogHead[]): Promise<void> {
    let behind: LogPosition[] = heads
      .filter(({ writer, n }) => writer !== this.own() && n > (this.#applied.get(writer) ?? 0))
      .map(({ writer }) => ({ writer, n: this.#applied.get(writer) ?? 0 }));
    while (behind.length > 0) {
      const notes = await this.storage.notesSince(behind, NOTES_PER_READ);
      const counts = new Map<Writer, LogPosition & { count: number }>();
      for (const note of notes) {
        const { writer, n } = note;
        this.#apply(note);
        this.#applied.set(writer, Math.max(n, this.#applied.get(writer) ?? 0));
        counts.set(writer, { writer, n, count: (counts.get(writer)?.count ?? 0) + 1 });
      }
      behind = [...counts.values()].filter(({ count }) => count >= NOTES_PER_READ);
    }
    // The last note of a log stays as long as the log does: one that was not found was removed with it meanwhile.
    const isComplete = heads.every(
      ({ writer, n }) => writer === this.own() || n <= (this.#applied.get(writer) ?? 0),
    );
    if (!isComplete) this.forgetAll();
  }

  /** Every note up to these heads was applied; what there is none of never will be there. */
  #reached(heads: readonly LogHead[]): void {
    this.#heads = new Map(heads.map((head) => [head.writer, head]));
    for (const { writer, n } of heads) this.#applied.set(writer, Math.max(n, this.#applied.get(writer) ?? 0));
    for (const writer of this.#applied.keys()) if (!this.#heads.has(writer)) this.#applied.delete(writer);
  }

  #apply({ text }: LogNote): void {
    const note = readNote(text);
    if (note === undefined) {
      // A newer version of this package may write so. To pass over it would be to serve what is old.
      this.forgetAll();
      return;
    }
    for (const [namespace, changes] of note.changes)
      this.listeners.get(namespace)?.changed(changes, note.stamp);
  }
}
