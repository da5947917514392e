import type { EngineContext } from '../context.js';
import { report } from '../diagnostics.js';
import { codeOf } from '../driver-code.js';
import { counted } from '../listed.js';
import type { LeftBehind } from '../reports.js';
import { firstKeys } from './first-keys.js';
import type { JournalOrigin, RescuedWrite, RescueJournal } from './rescue-journal.js';

/** Log lines for the two ways in which entries are left unwritten. */
interface Circumstance {
  readonly rescued: (count: string) => string;
  readonly lost: string;
}

const AT_STOP: Circumstance = {
  rescued: (count) => `By the end of the stop the database had not taken ${count}`,
  lost: 'The cache stopped with',
};

const AT_EXIT: Circumstance = {
  rescued: (count) => `The process ended before the cache had written ${count}`,
  lost: 'The process ended with',
};

/** Where a process leaves what it has not written, and what tells whose that is. */
export interface RescuePlace {
  readonly journal: RescueJournal | undefined;
  readonly origin: JournalOrigin;
}

/** Saves what was not written before the end of the process, and logs what became of it. */
export class Rescue {
  constructor(
    /** `undefined` where no storage was opened. */
    private readonly place: RescuePlace | undefined,
    private readonly context: EngineContext,
  ) {}

  /** Adds what a stop could not write to the journal; returns what is lost. */
  saveAtStop(unwritten: readonly RescuedWrite[]): LeftBehind[] {
    return this.#save(unwritten, AT_STOP);
  }

  /** The same for a process that ends without a stop, or in the middle of one. */
  saveAtExit(unwritten: readonly RescuedWrite[]): LeftBehind[] {
    return this.#save(unwritten, AT_EXIT);
  }

  #save(unwritten: readonly RescuedWrite[], circumstance: Circumstance): LeftBehind[] {
    if (unwritten.length === 0) return [];
    const { journal, origin } = this.place ?? {};
    if (journal === undefined || origin === undefined) {
      return this.#lost(
        unwritten,
        circumstance,
        'They are lost with this process: set rescueJournal to a file path to keep them.',
      );
    }
    let place: string;
    try {
      place = journal.appendSync(unwritten, origin);
    } catch (error) {
      const code = codeOf(error) ?? 'no code';
      return this.#lost(
        unwritten,
        circumstance,
        `They are lost with this process: ${journal.describe()} could not be written (${code}).`,
      );
    }
    for (const { namespace, count, keys } of summarise(unwritten)) {
      report({ type: 'entries-rescued', namespace, count }, this.context);
      this.context.logger.error(
        `${circumstance.rescued(entries(count))} of namespace '${namespace}' (first keys: ${named(keys)}). ` +
          `They are in ${place}, and the next start replays them.`,
      );
    }
    return [];
  }

  #lost(unwritten: readonly RescuedWrite[], circumstance: Circumstance, fate: string): LeftBehind[] {
    const lost = summarise(unwritten);
    for (const { namespace, count, keys } of lost) {
      report({ type: 'entries-lost', namespace, count }, this.context);
      this.context.logger.fatal(
        `${circumstance.lost} ${entries(count)} unwritten in namespace '${namespace}' (first keys: ${named(keys)}). ${fate}`,
      );
    }
    return lost;
  }
}

function entries(count: number): string {
  return counted(count, 'entry', 'entries');
}

function named(keys: readonly string[]): string {
  return firstKeys(keys) || 'none; a clear was not written';
}

/** How much of each namespace, and its first keys. */
function summarise(writes: readonly RescuedWrite[]): LeftBehind[] {
  const namespaces = new Map<string, { namespace: string; count: number; keys: string[] }>();
  for (const write of writes) {
    const { namespace } = write;
    const summary = namespaces.get(namespace) ?? { namespace, count: 0, keys: [] };
    namespaces.set(namespace, summary);
    summary.count += 1;
    if ('key' in write && summary.keys.length < 10) summary.keys.push(write.key);
  }
  return [...namespaces.values()];
}
