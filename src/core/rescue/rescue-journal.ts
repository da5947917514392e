import type { KeyRange } from '../keys/key-range.js';
import type { Stamp } from '../storage-adapter.js';

/** What a stop could not write to the database: the last intent of a key, or that a namespace, or a range of its keys, was cleared. */
export type RescuedWrite =
  | (KeyIntent & { readonly op: 'put'; readonly value: string; readonly expiresAt: number | null })
  | (KeyIntent & { readonly op: 'delete' })
  | { readonly op: 'clear'; readonly namespace: string }
  /** The same of the keys in a range. */
  | { readonly op: 'clear range'; readonly namespace: string; readonly range: KeyRange };

/** What was to become of a key, and of which row. */
interface KeyIntent {
  readonly namespace: string;
  readonly key: string;
  /**
   * The row that it was built on, as a fingerprint of its stamp and its text; `null` where there was none. Left out where the
   * write knew no row: a `set` of a key that was not in memory.
   */
  readonly base?: number | null;
  /**
   * The stamp of the first transaction that was to write this row, and ended nobody knows how: whatever its process has left
   * there since is older than this.
   */
  readonly since?: Stamp;
  /** The same number in the writes that must be written together, as a rename is. */
  readonly atom?: number;
}

/** Whose writes a journal holds. */
export interface JournalOrigin {
  /** The storage that they are for: {@link CacheStorageAdapter.identity}; `undefined` for one that has none. */
  readonly identity: string | undefined;
  /** The prefixes of the stamps of the process that has left them. */
  readonly prefixes: readonly number[];
}

/** What one process has left, perhaps in several files. */
export interface RescuedWrites extends JournalOrigin {
  /** In the order they took effect. */
  readonly writes: readonly RescuedWrite[];
  /** Whether the end of a file is missing or broken: then `writes` is what could still be read. */
  readonly damaged: boolean;
  /** Whether an earlier version has left them, which knew no stamps. */
  readonly isUnstamped: boolean;
}

/**
 * Files of one process. Another start claims them in its turn where this one might have died in the middle: from then on they
 * are for that one alone.
 */
export interface ClaimedJournal extends RescuedWrites {
  /** Where they are, for logs. */
  describe(): string;
  /** Whether no other start has claimed them since. */
  isHeld(): boolean;
  /** Whether another start has claimed them since, and is not done. */
  isWithOthers(): boolean;
  /** Removes them, after their writes are committed. Gives false where they are no longer held. */
  remove(): Promise<boolean>;
  /**
   * Moves them to a place where nothing replays them and a person finds them; returns the place, and `undefined` where they
   * are no longer held.
   */
  setAside(): Promise<string | undefined>;
}

/**
 * Keeps what a stop could not write in time, until the next start replays it. The writes of one stop are kept as a whole or
 * not at all.
 */
export interface RescueJournal {
  /** Where it is, for logs. */
  describe(): string;
  /** Whether the application named its place. */
  readonly isChosen: boolean;
  /** Why nothing could be added to it, as far as can be told now: the end of a process is too late to find out. */
  obstacle(): Error | undefined;
  /**
   * Claims what processes have left for the storage `identity`, process by process. What is another storage's stays where it
   * is, and is reported by `foreign`. Throws `JOURNAL_NOT_UNDERSTOOD` for a file that is not ours or of a newer version.
   */
  claim(identity: string | undefined, foreign: (place: string) => void): Promise<readonly ClaimedJournal[]>;
  /**
   * Adds writes, also while another process reads, and returns where they are, when they survive a power loss. Synchronous,
   * because the process may be about to end.
   */
  appendSync(writes: readonly RescuedWrite[], origin: JournalOrigin): string;
  /** Keeps writes that the database refuses, or that newer rows stand against, where nothing replays them and a person finds them; returns the place. */
  keep(kind: 'refused' | 'conflicts', writes: readonly RescuedWrite[]): Promise<string>;
}
