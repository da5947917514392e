import type { LogPosition, Writer } from '../storage-adapter.js';

/** Others may need a note for so long: who has not looked for a while drops what it holds instead. */
export const NOTES_ARE_KEPT_MS = 120_000;
/** Between two beats, ms: four of them before an instance counts as dead. At each it looks at the others' logs. */
export const BEAT_MS = NOTES_ARE_KEPT_MS / 4;

/** The log of this instance: how far it reaches, and which notes of it nobody needs any more. */
export class OwnLog {
  #n = 0;
  #committed = 0;
  /** How far it reached at times on the monotonic clock, the oldest first. */
  readonly #marks: { readonly at: number; readonly n: number }[] = [];
  #trimmed = 0;

  constructor(readonly writer: Writer) {}

  /** The place of the next note. Each attempt to commit has one of its own: of one that failed nobody may know how it ended. */
  next(): LogPosition {
    this.#n += 1;
    return { writer: this.writer, n: this.#n };
  }

  /** The last place that surely has a note; 0 for none. */
  get lastCommitted(): number {
    return this.#committed;
  }

  /** The note at a place was committed. */
  committed({ n }: LogPosition): void {
    this.#committed = n;
  }

  /** Whether the note at a place of it, where it was written, is still there. */
  keeps({ writer, n }: LogPosition): boolean {
    return writer === this.writer && n > this.#trimmed;
  }

  /** Up to where it can be removed now; `undefined` where there is nothing to remove. One note always stays: it says how far the log reaches. */
  outdated(now: number): LogPosition | undefined {
    this.#marks.push({ at: now, n: this.#committed });
    let upTo = 0;
    while (this.#marks[0] !== undefined && now - this.#marks[0].at >= NOTES_ARE_KEPT_MS) {
      upTo = this.#marks.shift()?.n ?? 0;
    }
    upTo -= 1;
    if (upTo <= this.#trimmed) return undefined;
    this.#trimmed = upTo;
    return { writer: this.writer, n: upTo };
  }
}
