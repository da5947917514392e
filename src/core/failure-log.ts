import type { StorageEvent } from './diagnostics.js';
import { codeOf } from './driver-code.js';
import { counted } from './listed.js';

/** Most failures that are remembered. */
const MOST = 20;

/** A failure in words: no key, no value, no credentials. */
export interface FailureReport {
  /** When it was, the last time of several, wall-clock ms. */
  readonly at: number;
  readonly namespace: string | undefined;
  readonly code: string;
  readonly message: string;
  /** How often in a row. */
  readonly count: number;
}

/** What is remembered as a failure: what is told on the channel, and a read that failed, which its caller alone is told of. */
export type FailureEvent =
  StorageEvent | { readonly type: 'read-failed'; readonly namespace: string; readonly error: unknown };

type Words = Omit<FailureReport, 'at' | 'count'>;

/** The last failures of one cache, for whoever looks at it later. An outage that goes on takes one place, however often it is met. */
export class FailureLog {
  #last: FailureReport[] = [];

  /** The newest first. */
  get last(): readonly FailureReport[] {
    return this.#last;
  }

  record(event: FailureEvent, now: number): void {
    const words = wordsOf(event);
    if (words === undefined) return;
    const same = this.#last.findIndex(
      ({ namespace, code, message }) =>
        namespace === words.namespace && code === words.code && message === words.message,
    );
    const count = 1 + (this.#last[same]?.count ?? 0);
    const others = this.#last.filter((_, i) => i !== same);
    this.#last = [{ ...words, at: now, count }, ...others].slice(0, MOST);
  }
}

/** `undefined` for what is no failure. */
function wordsOf(event: FailureEvent): Words | undefined {
  switch (event.type) {
    case 'write-failed':
      return reported(
        'WRITE_FAILED',
        `The database could not be written to${why(event.error)}; it is tried again.`,
      );
    case 'read-failed':
      return reported('READ_FAILED', `The database could not be read${why(event.error)}.`, event.namespace);
    case 'write-rejected':
      return reported(event.code, 'A write was rejected to its caller.', event.namespace);
    case 'entry-refused':
      return reported(
        'ENTRY_REFUSED',
        `The database refuses ${counted(event.count, 'entry', 'entries')}${why(event.error)}.`,
        event.namespace,
      );
    case 'conflict-unsettled':
      return reported(
        'CONFLICT',
        `onConflict failed for ${counted(event.count, 'entry', 'entries')}, which ${event.count === 1 ? 'stays' : 'stay'} dirty.`,
        event.namespace,
      );
    case 'rows-unreadable':
      return reported(
        'UNREADABLE_ENTRY',
        event.count === 1 ? '1 stored row does not decode.' : `${event.count} stored rows do not decode.`,
        event.namespace,
      );
    case 'entries-rescued':
      return reported(
        'WRITE_FAILED',
        `A stop put ${counted(event.count, 'entry', 'entries')} into the rescue journal.`,
        event.namespace,
      );
    case 'entries-lost':
      return reported(
        'WRITE_FAILED',
        `A stop could neither write nor rescue ${counted(event.count, 'entry', 'entries')}.`,
        event.namespace,
      );
    case 'journal-replayed':
      if (event.conflicts + event.refused === 0) return undefined;
      return reported(
        'CONFLICT',
        `The replay of a rescue journal has set ${event.conflicts + event.refused} of its entries aside.`,
      );
    case 'others-unseen':
      return reported('READ_FAILED', `What other instances change can't be seen${why(event.error)}.`);
    case 'backplane-down':
      return reported('BACKPLANE_FAILED', `The backplane is down${why(event.error)}.`);
    case 'entries-in-conflict':
    case 'write-recovered':
    case 'others-seen':
    case 'backplane-up':
      return undefined;
  }
}

function reported(code: string, message: string, namespace?: string): Words {
  return { code, message, namespace };
}

/** By the driver's code alone: messages may quote what they are about, and addresses hold passwords. */
function why(error: unknown): string {
  const code = codeOf(error);
  return code === undefined ? '' : ` (${code})`;
}
