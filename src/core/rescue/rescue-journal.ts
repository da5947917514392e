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
       * What was still being written to the row then: if that got through after all, it is older than this in spite of
       * its time. `null` for a delete.
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
 * Where a stop puts what the database would not take in time, for the next start to replay. What a stop puts there is
 * there as a whole or not at all.
 */
export interface RescueJournal {
  /** Where it is, for logs. */
  describe(): string;
  /** Whether the application named its place. */
  readonly isChosen: boolean;
  /** Why nothing could be added to it, as far as can be told now: the end of a process is too late to find out. */
  obstacle(): Error | undefined;
  /** What it holds, of all stops, in their order; `undefined` when there is nothing. */
  read(): Promise<RescuedWrites | undefined>;
  /**
   * Adds to what it holds, also while another process reads it, and returns when that survives a power loss. Without a
   * turn of the event loop: the process may be about to end.
   */
  appendSync(writes: readonly RescuedWrite[]): void;
  /** Ends what {@link read} gave: all of it is committed. What was added since stays. */
  remove(): Promise<void>;
  /** Puts what {@link read} gave aside, where nothing replays it and a person finds it; answers where. */
  setAside(): Promise<string>;
  /** Keeps writes where nothing replays them and a person finds them; answers where. */
  keepRefused(writes: readonly RescuedWrite[]): Promise<string>;
}
