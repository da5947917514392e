import { isWithin, type KeyRange } from '../keys/key-range.js';
import type { Stamp, StampedEntry } from '../storage-adapter.js';
import { prefixOf } from '../writing/stamps.js';
import type { RescuedWrites, RescuedWrite } from './rescue-journal.js';
import { isStill, mayBeGone } from './row-fingerprint.js';

/** What was to become of one key. */
export type KeyWrite = Extract<RescuedWrite, { key: string }>;

/** `done`: the row is what the write would make of it. `conflict`: nothing proves that the row is the older of the two. */
export type Verdict = 'due' | 'done' | 'conflict';

/**
 * Says which writes of one journal are newer than the rows there are. No clock is asked which of the two came first: a row is
 * older where it is the one that the write was built on, or where the process that left the journal has written it. The
 * time says of a row no more than that it has expired, and counts as absent.
 */
export class ReplayRules {
  readonly #prefixes: ReadonlySet<number>;

  constructor(
    private readonly journal: Pick<RescuedWrites, 'prefixes' | 'isUnstamped'>,
    /** What of the namespace the journal clears. */
    private readonly cleared: readonly KeyRange[],
    /** Wall-clock ms. */
    private readonly now: number,
  ) {
    this.#prefixes = new Set(journal.prefixes);
  }

  /** Writes that belong together share one verdict. */
  ofAll(writes: readonly KeyWrite[], rows: ReadonlyMap<string, StampedEntry>): Verdict {
    const verdicts = new Set(writes.map((write) => this.of(write, rows.get(write.key))));
    if (verdicts.has('conflict')) return 'conflict';
    return verdicts.has('due') ? 'due' : 'done';
  }

  of(write: KeyWrite, row: StampedEntry | undefined): Verdict {
    if (isMade(write, row)) return 'done';
    return this.#isDue(write, row) ? 'due' : 'conflict';
  }

  /** Whether a clear in the journal came after this row, as far as that can be proved: of its own process, or adopted. */
  isClearable({ stamp }: StampedEntry): boolean {
    return stamp === 0 || this.#isOwn(stamp);
  }

  #isDue(write: KeyWrite, row: StampedEntry | undefined): boolean {
    // An earlier version has written it, which says nothing of rows.
    if (this.journal.isUnstamped) return row === undefined;
    const { base, since } = write;
    const isCleared = this.cleared.some((range) => isWithin(write.key, range));
    if (row === undefined) return base === undefined || base === null || mayBeGone(base) || isCleared;
    if (since !== undefined && this.#isSince(row.stamp, since)) return true;
    if (isCleared && this.isClearable(row)) return true;
    if (base !== undefined && base !== null) return isStill(row, base);
    if (row.expiresAt !== null && row.expiresAt <= this.now) return true;
    return base === undefined && this.#isOwn(row.stamp);
  }

  /** Whether the process has taken the stamp after `since`, or it is that one. */
  #isSince(stamp: Stamp, since: Stamp): boolean {
    if (prefixOf(stamp) === prefixOf(since)) return stamp >= since;
    const prefixes = [...this.#prefixes];
    return prefixes.indexOf(prefixOf(stamp)) > prefixes.indexOf(prefixOf(since));
  }

  #isOwn(stamp: Stamp): boolean {
    return this.#prefixes.has(prefixOf(stamp));
  }
}

function isMade(write: KeyWrite, row: StampedEntry | undefined): boolean {
  if (write.op === 'delete') return row === undefined;
  return row !== undefined && row.value === write.value && row.expiresAt === write.expiresAt;
}
