import { within, type CacheTimer } from '../clock.js';
import type { EngineContext } from '../context.js';
import { isDrained, type Drainable } from '../levels/drainable.js';
import { counted } from '../listed.js';
import type { LeftBehind } from '../reports.js';
import type { Rescue } from '../rescue/rescue.js';
import type { RescuedWrite } from '../rescue/rescue-journal.js';
import { finalFlush } from './final-flush.js';
import type { OpenStorage } from './open-storage.js';

/** The share of the remaining drain time that one drain may take: others follow it. */
const DRAIN_SHARE = 0.5;
/** The end of the stop keeps a quarter of the stop's time for itself, and no more than this, ms. */
const MAX_ENDING_MS = 1500;
/** Time for closing the storage when none of the stop's time is left, ms. */
const MIN_CLOSE_MS = 250;

/** What a stop did. */
export interface StopReport {
  /** Entries written since the stop began. */
  readonly written: number;
  readonly durationMs: number;
  /** What is lost, by namespace: neither written nor in the rescue journal. Empty after a good stop. */
  readonly leftBehind: readonly LeftBehind[];
}

/** The parts of an engine that a stop needs, read at the moment they are needed. */
export interface Stoppable {
  levels(): readonly Drainable[];
  /** The storage, where one was asked for. */
  storage(): Promise<OpenStorage> | undefined;
  rescue(): Rescue;
  /** Entries written so far. */
  written(): number;
  /** Cancels the timers: nothing begins by itself any more. */
  rest(): void;
}

/** When the stop began, on the monotonic clock; its times follow from it. */
interface Beginning {
  readonly at: number;
  readonly written: number;
  /** When the cache ends by itself. */
  readonly endsAt: number;
  readonly deadline: number;
}

/**
 * The stop of an engine, once, with one deadline from its beginning. It is *running* until {@link begin}; then *draining*:
 * what is dirty is written, and writes are still taken, since others stop too and may have something to say; then
 * *closed*: no more writes, the final flush, the rescue of what is unwritten, the storage closed.
 *
 * Whoever begins the stop calls {@link end}. If nobody does so in time, the stop ends by itself.
 */
export class EngineStop {
  #began: Beginning | undefined;
  #overdue: CacheTimer | undefined;
  #isClosed = false;
  #hasRescued = false;
  #isLastFlushTried = false;
  #ended!: (report: Promise<StopReport>) => void;
  /** Resolves when the stop is over, whoever ended it. */
  readonly report: Promise<StopReport>;

  constructor(
    private readonly engine: Stoppable,
    private readonly timeoutMs: number,
    private readonly context: EngineContext,
  ) {
    this.report = new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  get state(): 'running' | 'draining' | 'closed' {
    if (this.#isClosed) return 'closed';
    return this.#began === undefined ? 'running' : 'draining';
  }

  /** Fixes the deadline. */
  begin(): Beginning {
    if (this.#began !== undefined) return this.#began;
    const { clock } = this.context;
    const at = clock.monotonic();
    const deadline = at + this.timeoutMs;
    const endsAt = deadline - Math.min(MAX_ENDING_MS, this.timeoutMs / 4);
    this.#began = { at, written: this.engine.written(), endsAt, deadline };
    // The timer does not keep the process alive: a process with nothing else to do ends the stop before it exits.
    if (!this.#isClosed) this.#overdue = clock.setTimer(endsAt - at, () => this.endOverdue(), false);
    return this.#began;
  }

  /** Writes what is dirty, for some of the time there is; writes are still taken. */
  async drain(): Promise<void> {
    if (this.#isClosed) return;
    const { clock } = this.context;
    const ms = (this.begin().endsAt - clock.monotonic()) * DRAIN_SHARE;
    await within(clock, ms, Promise.all(this.engine.levels().map((level) => level.flush())));
  }

  /** Ends the stop: resolves when it is over, by its deadline. */
  end(): Promise<StopReport> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#ended(this.#end());
    }
    return this.report;
  }

  /** Ends a stop that was begun and that nobody is going to end. */
  endOverdue(): void {
    if (this.state !== 'draining') return;
    this.context.logger.error(
      'The shutdown of the application has not come to the last hook of the cache: the hook of another module failed, or is ' +
        'still running, or the HTTP server still waits for its connections. The cache stops without it: it writes what is ' +
        `unwritten, and refuses writes from now on. Mend that hook, or raise shutdownTimeoutMs (${this.timeoutMs} ms) above ` +
        'the time that the shutdown needs.',
    );
    void this.end();
  }

  /** For the very end of a process, without a turn of the event loop: saves what is unwritten, says so, and returns what is lost. */
  rescueAtExit(): readonly LeftBehind[] {
    if (this.#hasRescued) return [];
    const unwritten = this.#unwritten();
    this.#hasRescued = true;
    return this.engine.rescue().saveAtExit(unwritten);
  }

  /**
   * For a process that has nothing left to do. A stop that nobody goes on with is ended. Where none has begun, what is dirty
   * is written, once: others may still stop the application, and write more.
   */
  beforeExit(): void {
    if (this.state === 'draining') this.endOverdue();
    if (this.state !== 'running' || this.#isLastFlushTried) return;
    const levels = this.engine.levels();
    if (levels.every(isDrained)) return;
    this.#isLastFlushTried = true;
    for (const level of levels) void level.flush();
  }

  async #end(): Promise<StopReport> {
    const { clock, logger } = this.context;
    const { at, written, deadline } = this.begin();
    this.#overdue?.cancel();
    const levels = this.engine.levels();
    for (const level of levels) level.refuseWrites();
    this.engine.rest();
    const storage = await this.#openStorage(deadline);
    const purged = storage?.purge.stop();
    await within(
      clock,
      deadline - clock.monotonic(),
      // Of what others have taken over, one attempt tells as much as many.
      Promise.all([
        finalFlush(levels, storage?.taken === undefined ? deadline : clock.monotonic(), this.context),
        purged,
      ]),
    );
    // From here on nothing is acknowledged: what is gathered now is all there is.
    for (const level of levels) level.giveUp();
    storage?.budget.close();
    const unwritten = this.#unwritten();
    const leftBehind = this.#rescue(unwritten);
    if (storage !== undefined) await this.#close(storage, deadline);
    const report = {
      written: this.engine.written() - written,
      durationMs: clock.monotonic() - at,
      leftBehind,
    };
    // A start that failed at its storage is no stop to report.
    if (storage !== undefined || this.engine.storage() === undefined)
      logger.log(`Cache stopped: ${outcomeOf(report, unwritten.length)}.`);
    return report;
  }

  /** The open storage. Waits until `deadline` for one that is still being opened, and closes it if it opens later. */
  async #openStorage(deadline: number): Promise<OpenStorage | undefined> {
    const { clock } = this.context;
    let isWaiting = true;
    let opened: OpenStorage | undefined;
    const opening = this.engine.storage()?.then(
      async (storage) => {
        if (isWaiting) opened = storage;
        else await storage.close();
      },
      // Whoever asked for the storage gets this error.
    );
    if (opening === undefined) return undefined;
    const settled = opening.catch(() => undefined);
    await within(clock, deadline - clock.monotonic(), settled);
    isWaiting = false;
    return opened;
  }

  #rescue(unwritten: readonly RescuedWrite[]): readonly LeftBehind[] {
    this.#hasRescued = true;
    return this.engine.rescue().saveAtStop(unwritten);
  }

  #unwritten(): RescuedWrite[] {
    return this.engine.levels().flatMap((level) => level.unwritten());
  }

  async #close(storage: OpenStorage, deadline: number): Promise<void> {
    const { clock, logger } = this.context;
    try {
      await within(clock, Math.max(MIN_CLOSE_MS, deadline - clock.monotonic()), storage.close());
    } catch (error) {
      logger.warn(`The cache's storage did not close cleanly: ${String(error)}`);
    }
  }
}

function outcomeOf({ written, durationMs }: StopReport, unwritten: number): string {
  if (written === 0 && unwritten === 0) return 'nothing was left to write';
  const done = `${counted(written, 'entry', 'entries')} written in ${durationMs} ms`;
  return unwritten === 0 ? done : `${done}, ${unwritten} not: see above`;
}
