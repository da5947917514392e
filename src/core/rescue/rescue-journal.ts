import type { KeyRange } from '../keys/key-range.js';

/** What a stop could not write to the database: the last intent of a key, or that a namespace, or a range of its keys, was cleared. */
export type RescuedWrite =
  | {
      readonly op: 'put';
      readonly namespace: string;
      readonly key: string;
      readonly value: string;
      readonly expiresAt: number | null;
      /** When it was rescued, wall-clock ms: a row written later is newer. */
      readonly at: number;
      /**
       * The write of the same row that was under way at that moment. If it was committed after all, it is older than
       * this one, although its time is later. `null` for a delete.
       */
      readonly underway?: string | null;
    }
  | {
      readonly op: 'delete';
      readonly namespace: string;
      readonly key: string;
      readonly at: number;
      readonly underway?: string | null;
    }
  | { readonly op: 'clear'; readonly namespace: string; readonly at: number }
  /** The same of the keys in a range: a word of its own, which no earlier version takes for a clear of everything. */
  | { readonly op: 'clear range'; readonly namespace: string; readonly range: KeyRange; readonly at: number };

/** What a journal holds. */
export interface RescuedWrites {
  /** In the order they took effect. */
  readonly writes: readonly RescuedWrite[];
  /** Whether its end is missing or broken: then `writes` is what could still be read. */
  readonly damaged: boolean;
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
  /** Reads what all stops have left, in order; `undefined` if there is nothing. */
  read(): Promise<RescuedWrites | undefined>;
  /**
   * Adds writes, also while another process reads, and returns when they survive a power loss. Synchronous, because the
   * process may be about to end.
   */
  appendSync(writes: readonly RescuedWrite[]): void;
  /** Removes what {@link read} gave, after it was committed. Later additions stay. */
  remove(): Promise<void>;
  /** Moves what {@link read} gave to a place where nothing replays it and a person finds it; returns the place. */
  setAside(): Promise<string>;
  /** Keeps writes in a place where nothing replays them and a person finds them; returns the place. */
  keepRefused(writes: readonly RescuedWrite[]): Promise<string>;
}
