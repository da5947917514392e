import type { CacheLogger } from '../cache-logger.js';
import { publish } from '../diagnostics.js';
import { codeOf } from '../driver-code.js';
import type { LeftBehind } from '../reports.js';
import type { RescuedWrite, RescueJournal } from './rescue-journal.js';

/** Saves what the database did not take before the end of the process, and says what became of it. */
export class Rescue {
  constructor(
    private readonly journal: RescueJournal | undefined,
    private readonly logger: CacheLogger,
  ) {}

  /** Puts writes into the journal, beside what may wait there already; answers what is lost. */
  save(unwritten: readonly RescuedWrite[]): LeftBehind[] {
    if (unwritten.length === 0) return [];
    const { journal } = this;
    if (journal === undefined) {
      return this.#lost(
        unwritten,
        'They are lost with this process: set rescueJournal to a file path to keep them.',
      );
    }
    try {
      journal.appendSync(unwritten);
    } catch (error) {
      const code = codeOf(error) ?? 'no code';
      return this.#lost(
        unwritten,
        `They are lost with this process: ${journal.describe()} could not be written (${code}).`,
      );
    }
    for (const { namespace, count, keys } of summarise(unwritten)) {
      publish({ type: 'entries-rescued', namespace, count });
      this.logger.error(
        `The database did not take ${entries(count)} of namespace '${namespace}' in time (first keys: ${named(keys)}). ` +
          `They are in ${journal.describe()}, and the next start replays them.`,
      );
    }
    return [];
  }

  #lost(unwritten: readonly RescuedWrite[], fate: string): LeftBehind[] {
    const lost = summarise(unwritten);
    for (const { namespace, count, keys } of lost) {
      publish({ type: 'entries-lost', namespace, count });
      this.logger.fatal(
        `The cache stopped with ${entries(count)} unwritten in namespace '${namespace}' (first keys: ${named(keys)}). ${fate}`,
      );
    }
    return lost;
  }
}

function entries(count: number): string {
  return `${count} ${count === 1 ? 'entry' : 'entries'}`;
}

function named(keys: readonly string[]): string {
  const shown = keys.map((key) => JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key));
  return shown.join(', ') || 'none; a clear was not written';
}

/** How much of each namespace, and its first keys. */
function summarise(writes: readonly RescuedWrite[]): LeftBehind[] {
  const namespaces = new Map<string, { namespace: string; count: number; keys: string[] }>();
  for (const write of writes) {
    const { namespace } = write;
    const summary = namespaces.get(namespace) ?? { namespace, count: 0, keys: [] };
    namespaces.set(namespace, summary);
    summary.count += 1;
    if (write.op !== 'clear' && summary.keys.length < 10) summary.keys.push(write.key);
  }
  return [...namespaces.values()];
}
