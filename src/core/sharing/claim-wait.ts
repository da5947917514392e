import { sleep } from '../clock.js';
import type { EngineContext } from '../context.js';
import type { Writer } from '../storage-adapter.js';
import { aboutThisProcess } from './about-process.js';
import { notClosedError, runningError, shownRivals, waitingLine, type Refusal } from './instance-running.js';
import { ownInstances } from './own-instances.js';
import { drawWriter } from './writer-number.js';
import type { ClaimEvents, ClaimingStorage, Instance, Rival } from './shared-storage.js';

/** How long a start waits for others to end. More than two beats of one that lives. */
const WAIT_MS = 10_000;
const LOOK_EVERY_MS = 100;
/** The server may need a moment to notice that a process is gone: that is not worth a line. */
const QUIET_MS = 150;

interface Seen {
  readonly beat: number;
  readonly at: number;
}

/** How somebody waits that is no application which starts. */
export interface WaitTerms {
  /** For how long, ms. Default 10 000, after which it removes those that give no sign of life. */
  readonly waitMs?: number;
  /** What it is told in the end. */
  readonly refusal?: Refusal;
}

/**
 * Joins those that work beside others. Gives its number there; rejects as {@link ClaimWait.join} does. `isAgain`: it was said
 * already what is in the way.
 */
export async function joinBeside(
  storage: ClaimingStorage,
  place: string,
  context: EngineContext,
  events: ClaimEvents,
  isAgain: boolean,
  terms: WaitTerms = {},
): Promise<Writer> {
  const instance: Instance = {
    writer: drawWriter(),
    mode: 'many',
    about: aboutThisProcess(context.clock.now()),
  };
  await new ClaimWait(storage, instance, place, context, terms, isAgain).join(events);
  ownInstances().add(instance.writer);
  return instance.writer;
}

/** The wait of an instance for those that it can't work beside. */
export class ClaimWait {
  readonly #seen = new Map<Writer, Seen>();
  readonly #waitMs: number;
  readonly #refusal: Refusal;
  #hasRemoved = false;

  constructor(
    private readonly storage: ClaimingStorage,
    private readonly instance: Instance,
    private readonly place: string,
    private readonly context: EngineContext,
    { waitMs = WAIT_MS, refusal = runningError }: WaitTerms = {},
    private hasSaid = false,
  ) {
    this.#waitMs = waitMs;
    this.#refusal = refusal;
  }

  /** Joins, as soon as nobody is in the way. Rejects with `INSTANCE_RUNNING`, or with what the storage throws at the first look. */
  async join(events: ClaimEvents): Promise<void> {
    const { storage, instance, context, place } = this;
    const { clock, logger } = context;
    const begunAt = clock.monotonic();
    let rivals = await storage.join(instance, events);
    while (rivals.length > 0) {
      if (rivals.some(({ writer }) => ownInstances().has(writer))) throw notClosedError(place);
      const waitedMs = clock.monotonic() - begunAt;
      this.#look(rivals);
      if (waitedMs >= this.#waitMs && !(await this.#remove(rivals)))
        throw this.#refusal(place, instance.mode, rivals, this.#waitMs);
      if (!this.hasSaid && waitedMs >= QUIET_MS) {
        this.hasSaid = true;
        logger.warn(waitingLine(place, rivals, this.#waitMs));
      }
      if (!this.#hasRemoved) await sleep(clock, LOOK_EVERY_MS);
      rivals = await this.#joinAgain(events, rivals);
    }
  }

  /** What was in the way is taken to be there yet, where the storage does not answer. */
  async #joinAgain(events: ClaimEvents, before: readonly Rival[]): Promise<readonly Rival[]> {
    try {
      return await this.storage.join(this.instance, events);
    } catch {
      return before;
    }
  }

  #look(rivals: readonly Rival[]): void {
    for (const { writer, beat } of rivals)
      if (beat !== undefined && this.#seen.get(writer)?.beat !== beat)
        this.#seen.set(writer, { beat, at: this.context.clock.monotonic() });
  }

  /**
   * Removes those that give no sign of life, where all in the way are such. One that works beside others beats too seldom to
   * tell. It beats before it writes if it lives after all, and finds that it is gone.
   */
  async #remove(rivals: readonly Rival[]): Promise<boolean> {
    if (this.#hasRemoved || !rivals.every((rival) => this.#isSilent(rival))) return false;
    this.#hasRemoved = true;
    for (const { writer, beat } of rivals) if (!(await this.storage.remove(writer, beat))) return false;
    this.context.logger.warn(
      `The cache takes its database over (${this.place}) from ${shownRivals(rivals)}, which has given no sign of life for ` +
        `${WAIT_MS / 1000} s. If it lives after all, it writes no more.`,
    );
    return true;
  }

  #isSilent({ writer, mode }: Rival): boolean {
    const seen = this.#seen.get(writer);
    return (
      mode === 'one' &&
      seen !== undefined &&
      this.context.clock.monotonic() - seen.at >= WAIT_MS - LOOK_EVERY_MS
    );
  }
}
