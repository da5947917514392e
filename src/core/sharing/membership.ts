import { CacheError, isCacheError } from '../cache-error.js';
import type { EngineContext } from '../context.js';
import type { LogPosition, Writer } from '../storage-adapter.js';
import { OwnLog } from './own-log.js';
import type { LogHead } from './shared-storage.js';

/** Why an instance has to join again: said once. */
const REMOVED =
  'Other instances have taken this one for dead: it may have been suspended. It joins them again, and reads anew what it had in memory.';
const WENT_BACK =
  'The database has gone back to what it was before: it lacks what this instance has committed last. It joins the others again, so ' +
  'that they notice it, too, and reads anew what it had in memory.';

export interface MembershipParts {
  /** Makes the instance known, by a new number. `isAgain`: it was said already what is in the way. */
  readonly join: (isAgain: boolean) => Promise<Writer>;
  /** Looks at the logs, and tells {@link Membership.saw} of them. Rejects with what the storage throws. */
  readonly look: () => Promise<void>;
  /** The others don't know it: what is in memory is worth nothing. */
  readonly left: () => void;
  /** It has joined again, and may have missed what was committed meanwhile. */
  readonly rejoined: () => void;
  readonly context: EngineContext;
}

/**
 * An instance as one of those that share a storage: by which number they know it, and how it comes back where they don't any more.
 * Until it has come back it commits nothing, and trusts nothing that it has in memory: whoever has removed it may work alone, and
 * leave no notes.
 */
export class Membership {
  #log!: OwnLog;
  #isOut = false;
  /** Whether the database may be another one than that of the last commit. */
  #isInDoubt = false;
  #rejoining: Promise<void> | undefined;
  #exclusion: CacheError | undefined;
  #isOver = false;

  constructor(private readonly parts: MembershipParts) {}

  /** Joins. Rejects with what the storage throws, or with `INSTANCE_RUNNING`. */
  async begin(): Promise<void> {
    this.#log = new OwnLog(await this.parts.join(false));
  }

  /** Known once it has joined. */
  get log(): OwnLog {
    return this.#log;
  }

  /** The last note that is surely in its log; `undefined` where there is none, or another log is to come. */
  get lastNote(): LogPosition | undefined {
    const log = this.#isOut ? undefined : (this.#log as OwnLog | undefined);
    return log === undefined || log.lastCommitted === 0
      ? undefined
      : { writer: log.writer, n: log.lastCommitted };
  }

  /** Whether the others don't know it. */
  get isOut(): boolean {
    return this.#isOut;
  }

  /** What has kept it from coming back so far; `undefined` where nothing has. */
  get exclusion(): CacheError | undefined {
    return this.#exclusion;
  }

  /**
   * The place of the note of the next commit, as soon as there may be one. Rejects with `INSTANCE_RUNNING` where somebody works alone,
   * or with what the storage throws.
   */
  async next(): Promise<LogPosition> {
    while (this.#isOut || this.#isInDoubt) await (this.#isOut ? this.rejoin() : this.#settleDoubt());
    return this.#log.next();
  }

  /** A connection has broken, or an answer did not come: the database that is there next may lack what this one had. */
  doubt(): void {
    this.#isInDoubt = true;
  }

  /** The logs were looked at; `log` is the own one as it was before that. */
  saw(heads: readonly LogHead[], { writer, n }: LogPosition): void {
    const head = heads.find((one) => one.writer === writer);
    if (head === undefined) this.removed(writer);
    else if (head.n < n) this.wentBack(writer);
  }

  /** The database lacks what `writer` has committed. */
  wentBack(writer: Writer): void {
    this.#leave(writer, WENT_BACK);
  }

  /** The others don't know `writer` any more. */
  removed(writer: Writer): void {
    this.#leave(writer, REMOVED);
  }

  /** Joins again. One attempt at a time serves all who wait for it. Rejects as {@link next} does. */
  rejoin(): Promise<void> {
    this.#rejoining ??= this.#joinAgain().finally(() => {
      this.#rejoining = undefined;
    });
    return this.#rejoining;
  }

  /** It does not come back any more. */
  end(): void {
    this.#isOver = true;
  }

  #leave(writer: Writer, why: string): void {
    if (writer !== this.#log.writer || this.#isOut || this.#isOver) return;
    this.#isOut = true;
    this.parts.context.logger.warn(why);
    this.parts.left();
    // Whoever needs it waits for it, or tries again.
    this.rejoin().catch(() => undefined);
  }

  async #joinAgain(): Promise<void> {
    const { join, rejoined, context } = this.parts;
    try {
      this.#log = new OwnLog(await join(this.#exclusion !== undefined));
    } catch (error) {
      throw this.#excluded(error);
    }
    this.#isOut = false;
    this.#isInDoubt = false;
    rejoined();
    if (this.#exclusion === undefined) return;
    this.#exclusion = undefined;
    context.logger.log('This instance has joined the others again.');
  }

  /** Why it could not come back. What the storage throws is no failure of a start here. */
  #excluded(error: unknown): unknown {
    if (!isCacheError(error, 'INSTANCE_RUNNING')) return isCacheError(error) ? (error.cause ?? error) : error;
    if (this.#exclusion === undefined)
      this.parts.context.logger.error(
        `${error.message} Until that has ended, this one writes nothing, and its reads ask the database.`,
      );
    this.#exclusion = error;
    return error;
  }

  async #settleDoubt(): Promise<void> {
    this.#isInDoubt = false;
    try {
      await this.parts.look();
    } catch (error) {
      this.#isInDoubt = true;
      throw error;
    }
  }
}
