import type { KeyRange } from '../keys/key-range.js';
import type { Stamp, UnreadableRows } from '../storage-adapter.js';
import type { Place } from './place.js';

/** Which entries are to be shown. */
export interface InspectedListing {
  readonly range: KeyRange;
  /** Behind which place; `undefined` for the first ones. */
  readonly after: Place | undefined;
  /** Most entries. */
  readonly limit: number;
}

/** An entry by its stored key, be it in memory, in the database or both. */
export interface InspectedEntry {
  /** The stored key. */
  readonly key: string;
  /** The encoded value; `undefined` where there is none: another type in the column, or a value in memory that its codec refuses. */
  readonly text: string | undefined;
  /** The value itself, of `MEMORY_ONLY`. */
  readonly held?: unknown;
  /** Wall-clock ms; `null` for never. */
  readonly expiresAt: number | null;
  readonly isInMemory: boolean;
  /** Whether what is shown is not in the database yet. */
  readonly isDirty: boolean;
  /** What does not decode; `undefined` where everything does. */
  readonly fault: EntryFault | undefined;
}

/** Why a row is no entry. */
export interface EntryFault {
  /** Whether no key of the namespace is stored as this text, or the value does not decode. */
  readonly of: 'key' | 'value';
  /** What the codec threw, which may quote the value. */
  readonly cause: unknown;
}

/** The same with what only its row says. */
export interface InspectedDetails extends InspectedEntry {
  /** Of the row; `null` where there is none. */
  readonly stamp: Stamp | null;
  /** When the row was written, wall-clock ms; `null` where there is none, or its storage can't tell. */
  readonly writtenAt: number | null;
}

export interface InspectedPage {
  /** In the byte order of their keys. Fewer than were asked for, or none, where they are large: {@link next} tells whether there are more. */
  readonly entries: readonly InspectedEntry[];
  /** Where the next page begins; `undefined` behind the last one. */
  readonly next: Place | undefined;
  /** Rows that have no text for a key, told on the first page. */
  readonly keyless: UnreadableRows | undefined;
}

/**
 * Looks at everything that a namespace has, stored and unwritten, without a change to what is in memory, or to a figure. For tools
 * that show what there is: the bad rows, too, which no call of an application gets.
 */
export interface EntryInspection {
  /** A page of entries. Rejects with `READ_FAILED`, or `CACHE_CLOSED`. */
  page(listing: InspectedListing): Promise<InspectedPage>;
  /** The entry that is stored as `text`; `undefined` where there is none. Rejects as {@link page} does. */
  entry(text: string): Promise<InspectedDetails | undefined>;
  /** The key that is stored as `text`, as its owner gives it. Throws `INVALID_KEY` where no key of the namespace is. */
  keyOf(text: string): unknown;
}
