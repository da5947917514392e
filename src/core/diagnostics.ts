import { channel } from 'node:diagnostics_channel';
import type { Clock } from './clock.js';

/**
 * The name of the `node:diagnostics_channel` on which the cache reports failures of its storage. An error thrown by a
 * listener does not reach the cache: Node turns it into an uncaught exception.
 */
export const STORAGE_CHANNEL = 'nestjs-durable-cache:storage';

/** An event on the channel {@link STORAGE_CHANNEL}. It never holds a key or a value. */
export type StorageEvent =
  /** An attempt to write failed because of the database's state; it will be repeated. */
  | { readonly type: 'write-failed'; readonly code: string | undefined; readonly error: unknown }
  /** Writing works again, this long after the first failure and after so many of them. */
  | { readonly type: 'write-recovered'; readonly afterMs: number; readonly failures: number }
  /** A write rejected to its caller because the database could not be written to or read, or refuses the entry. */
  | {
      readonly type: 'write-rejected';
      readonly namespace: string;
      readonly code: 'WRITE_FAILED' | 'READ_FAILED' | 'ENTRY_REFUSED';
    }
  /** The database refuses entries for what they are. */
  | {
      readonly type: 'entry-refused';
      readonly namespace: string;
      readonly count: number;
      readonly code: string | undefined;
      readonly error: unknown;
    }
  /** Entries were dirty when another process had written their rows: `onConflict` has decided on them. */
  | { readonly type: 'entries-in-conflict'; readonly namespace: string; readonly count: number }
  /** `onConflict` threw, or gave what can't be stored: the entries stay dirty. */
  | {
      readonly type: 'conflict-unsettled';
      readonly namespace: string;
      readonly count: number;
      readonly error: unknown;
    }
  /** A load met rows that do not decode. */
  | { readonly type: 'rows-unreadable'; readonly namespace: string; readonly count: number }
  /** A stop put entries into the rescue journal. */
  | { readonly type: 'entries-rescued'; readonly namespace: string; readonly count: number }
  /** A start replayed what one process had left in the rescue journal. */
  | {
      readonly type: 'journal-replayed';
      readonly written: number;
      readonly conflicts: number;
      readonly refused: number;
    }
  /** What other instances change can't be seen: their logs can't be read. */
  | { readonly type: 'others-unseen'; readonly code: string | undefined; readonly error: unknown }
  /** They can be read again, after so long. */
  | { readonly type: 'others-seen'; readonly afterMs: number }
  /** No messages come from other instances, and none go to them: they see what is changed when they look. */
  | { readonly type: 'backplane-down'; readonly error: unknown }
  /** Messages come and go; so many could not be sent so far. */
  | { readonly type: 'backplane-up'; readonly lost: number }
  /** A stop could neither write nor rescue entries. */
  | { readonly type: 'entries-lost'; readonly namespace: string; readonly count: number };

const storageChannel = channel(STORAGE_CHANNEL);

/** Where a cache remembers what it has reported. */
interface Reporting {
  readonly clock: Pick<Clock, 'now'>;
  readonly failures?: { record(event: StorageEvent, now: number): void };
}

/** Publishes an event to the listeners, which costs nothing when there are none, and remembers it where it is a failure. */
export function report(event: StorageEvent, { clock, failures }: Reporting): void {
  if (storageChannel.hasSubscribers) storageChannel.publish(event);
  failures?.record(event, clock.now());
}
