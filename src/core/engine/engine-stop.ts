import { nextTurn, sleep, type CacheTimer } from '../clock.js';
import { publish } from '../diagnostics.js';
import { codeOf } from '../driver-code.js';
import type { Persistence } from '../persistence/persistence.js';
import type { LeftBehind } from '../reports.js';
import type { RescuedWrite } from '../rescue/rescue-journal.js';
import { Backoff } from '../writer/backoff.js';
import type { EngineContext } from './engine-context.js';
import type { ResolvedEngineOptions } from './engine-options.js';
import type { StorageSession } from './storage-session.js';

/** Between two attempts of the final flush, at most. */
const MAX_BACKOFF_MS = 250;
/** How long closing the storage may take once everything is written or named. */
const CLOSE_TIMEOUT_MS = 2000;

/** The stop of an engine, once: no more writes, the final flush with its deadline, the report, the storage closed. */
export class EngineStop {
  #timer: CacheTimer | undefined;

  constructor(
    private readonly persistences: readonly Persistence<unknown>[],
    private readonly session: StorageSession | undefined,
    private readonly options: ResolvedEngineOptions,
    private readonly context: EngineContext,
  ) {}

  /** Answers what is lost: neither written nor rescued. */
  async run(): Promise<LeftBehind[]> {
    const { clock } = this.context;
    const deadline = clock.now() + this.options.shutdownTimeoutMs;
    for (const persistence of this.persistences) persistence.close();
    if (this.session !== undefined) this.session.committer.giveUpAt = deadline;

    await this.#within(this.options.shutdownTimeoutMs, this.#flush(deadline));
    this.session?.budget.close();
    const lost = await this.#rescue(this.persistences.flatMap((persistence) => persistence.unwritten()));
    await this.#close();
    return summarise(lost);
  }

  /** Flushes until every accepted write has taken effect and is written or refused, or the time is over. */
  async #flush(deadline: number): Promise<void> {
    const { clock, random } = this.context;
    const backoff = new Backoff(MAX_BACKOFF_MS, random);
    let hasSettled = false;
    const settled = Promise.all(this.persistences.map((persistence) => persistence.settled())).then(() => {
      hasSettled = true;
    });
    await Promise.race([settled, nextTurn(clock)]);
    for (;;) {
      const isLast = hasSettled;
      // Sequential on purpose: another flush only makes sense after the one before it.
      await Promise.all(this.persistences.map((persistence) => persistence.flush()));
      if (isLast && this.persistences.every(({ dirty, refused }) => dirty <= refused)) return;
      if (hasSettled && !isLast) continue;
      const wait = backoff.next();
      if (clock.now() + wait >= deadline) return;
      await (hasSettled ? sleep(clock, wait) : Promise.race([settled, sleep(clock, wait)]));
    }
  }

  async #close(): Promise<void> {
    if (this.session === undefined) return;
    try {
      await this.#within(CLOSE_TIMEOUT_MS, this.session.close());
    } catch (error) {
      this.context.logger.warn(`The cache's storage did not close cleanly: ${String(error)}`);
    }
  }

  /** Waits for `work`, but no longer than `ms`. */
  async #within(ms: number, work: Promise<void>): Promise<void> {
    const timeUp = new Promise<void>((resolve) => {
      this.#timer = this.context.clock.setTimer(ms, resolve, true);
    });
    try {
      await Promise.race([work, timeUp]);
    } finally {
      this.#timer?.cancel();
    }
  }

  /** Puts what the database did not take into the journal, beside what may wait there already; answers what is lost. */
  async #rescue(unwritten: readonly RescuedWrite[]): Promise<readonly RescuedWrite[]> {
    if (unwritten.length === 0) return [];
    const journal = this.session?.journal;
    const { logger } = this.context;
    if (journal === undefined) {
      this.#tell(
        unwritten,
        'They are lost with this process: set rescueJournal to a file path to keep them.',
      );
      return unwritten;
    }
    try {
      const waiting = await journal.read();
      await journal.write([...(waiting?.writes ?? []), ...unwritten]);
    } catch (error) {
      const code = codeOf(error) ?? 'no code';
      this.#tell(
        unwritten,
        `They are lost with this process: ${journal.describe()} could not be written (${code}).`,
      );
      return unwritten;
    }
    for (const { namespace, count, keys } of summarise(unwritten)) {
      publish({ type: 'entries-rescued', namespace, count });
      logger.error(
        `The database did not take ${entries(count)} of namespace '${namespace}' in time (first keys: ${named(keys)}). ` +
          `They are in ${journal.describe()}, and the next start replays them.`,
      );
    }
    return [];
  }

  #tell(lost: readonly RescuedWrite[], fate: string): void {
    for (const { namespace, count, keys } of summarise(lost)) {
      publish({ type: 'entries-lost', namespace, count });
      this.context.logger.fatal(
        `The cache stopped with ${entries(count)} unwritten in namespace '${namespace}' (first keys: ${named(keys)}). ${fate}`,
      );
    }
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
