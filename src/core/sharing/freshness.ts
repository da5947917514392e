import { within, type CacheTimer, type Clock } from '../clock.js';
import { BEAT_MS } from './own-log.js';

/** A read waits so long for a confirmation, ms; then memory answers as long as it may. */
const WAIT_MS = 250;

/** What a read may do when memory was not confirmed lately. */
export type Permission =
  /** Memory is as good as the database. */
  | 'confirmed'
  /** The database can't be reached, and memory may answer for it for a while. */
  | 'unconfirmed'
  /** It has been out of reach for too long. */
  | 'lost';

/** Whether what memory holds is what there is, as far as others' commits go. */
export interface Freshness {
  /** How old an answer may be, ms. */
  readonly maxStaleMs: number;
  /** Whether memory may answer at once. */
  readonly isFresh: boolean;
  /** What {@link permission} would give without waiting; `undefined` where it would wait. Brings a confirmation about. */
  readonly permissionNow: Permission | undefined;
  /** Waits for a confirmation that is young enough for a read that is called now. */
  permission(): Promise<Permission>;
  /** Waits for a confirmation that begins after this call. Rejects with what the storage throws. */
  confirmedAnew(): Promise<void>;
}

/** The freshness of memory that nobody else can make old. */
export const ALWAYS_FRESH: Freshness = Object.freeze({
  maxStaleMs: Infinity,
  isFresh: true,
  permissionNow: 'confirmed',
  permission: async () => 'confirmed' as const,
  confirmedAnew: async () => undefined,
});

export interface FreshnessOptions {
  readonly maxStaleMs: number;
  readonly staleWhileDownMs: number;
}

/** What is told of a freshness. */
export interface FreshnessWatcher {
  /** Somebody needs a confirmation. */
  needed(): void;
  /** A look has failed, or succeeded. */
  failed(error: unknown): void;
  succeeded(): void;
  /** One has had no answer for so long that readers are told what is not confirmed, ms. */
  unanswered(forMs: number): void;
}

/** A look at what others have committed, under way. */
interface Look {
  readonly startedAt: number;
  /** Whether it succeeded. Never rejects. */
  readonly over: Promise<boolean>;
}

/**
 * The freshness of a memory beside others: it lasts for `maxStaleMs` from the *beginning* of the last look at their logs that
 * succeeded. One look at a time serves all who wait for one.
 */
export class SharedFreshness implements Freshness {
  isFresh = false;
  #confirmedAt = -Infinity;
  /** The same on the wall clock: a machine that slept has no other one to tell. */
  #confirmedAtWall = -Infinity;
  #look: Look | undefined;
  #lastError: unknown;
  /** Since when no look succeeds; `undefined` where the last one did. */
  #failingSince: number | undefined;
  /** When that was seen last. */
  #failedAt = -Infinity;
  #lapse: CacheTimer | undefined;
  #isClosed = false;

  constructor(
    /** Reads what others have committed, and applies it. */
    private readonly readLogs: () => Promise<void>,
    private readonly options: FreshnessOptions,
    private readonly clock: Clock,
    private readonly watcher: FreshnessWatcher,
  ) {}

  get maxStaleMs(): number {
    return this.options.maxStaleMs;
  }

  /** When the last confirmation began, on the monotonic clock. */
  get confirmedAt(): number {
    return this.#confirmedAt;
  }

  /** Since when nothing can be confirmed, on the monotonic clock; `undefined` where it can. */
  get failingSince(): number | undefined {
    return this.#failingSince;
  }

  get permissionNow(): Permission | undefined {
    if (this.isFresh) return 'confirmed';
    this.watcher.needed();
    const isFailing = this.clock.monotonic() - this.#failedAt < this.options.maxStaleMs;
    if (this.#failingSince !== undefined && isFailing) return this.#whileFailing(this.#failingSince);
    // It may be back, and nobody has looked for a while.
    void this.look();
    return undefined;
  }

  async permission(): Promise<Permission> {
    const now = this.permissionNow;
    if (now !== undefined) return now;
    const calledAt = this.clock.monotonic();
    const { maxStaleMs, staleWhileDownMs } = this.options;
    const confirmed = this.#confirmedSince(calledAt - maxStaleMs);
    try {
      // Without an answer of memory's own there is nothing else to give.
      const isConfirmed =
        staleWhileDownMs > 0
          ? await within(this.clock, WAIT_MS, confirmed)
          : await confirmed.then(() => true);
      if (isConfirmed) return 'confirmed';
    } catch {
      // See below.
    }
    // One that gets no answer fails since it began, whoever came when.
    const since = Math.min(calledAt, this.#look?.startedAt ?? calledAt);
    const silentMs = this.clock.monotonic() - since;
    if (silentMs >= maxStaleMs) this.watcher.unanswered(silentMs);
    return this.#whileFailing(this.#failed(since));
  }

  async confirmedAnew(): Promise<void> {
    await this.#confirmedSince(this.clock.monotonic(), true);
  }

  /** A look at the others' logs, or the one that is under way. Gives whether it succeeded. */
  look(): Promise<boolean> {
    return (this.#look ?? this.#begin()).over;
  }

  /** A look that is under way may fail from now on, since the storage is about to be closed: nobody is told. */
  close(): void {
    this.#isClosed = true;
    this.#lapse?.cancel();
  }

  /** Resolves when a look has succeeded that began at `time` or later. Rejects with why the last one did not. */
  async #confirmedSince(time: number, isAnew = false): Promise<void> {
    // One that is under way may have begun in this very millisecond, and before this call.
    if (isAnew && this.#look !== undefined) await this.#look.over;
    while (isAnew || this.#confirmedAt < time) {
      isAnew = false;
      if (!(await this.look())) throw this.#lastError;
    }
  }

  #begin(): Look {
    const startedAt = this.clock.monotonic();
    const startedAtWall = this.clock.now();
    const over = this.readLogs().then(
      () => {
        this.#look = undefined;
        this.#confirmedAtWall = startedAtWall;
        this.#succeeded(startedAt);
        return true;
      },
      (error: unknown) => {
        this.#look = undefined;
        this.#lastError = error;
        this.#failed(startedAt);
        if (!this.#isClosed) this.watcher.failed(error);
        return false;
      },
    );
    const look = { startedAt, over };
    this.#look = look;
    return look;
  }

  #succeeded(startedAt: number): void {
    this.#confirmedAt = startedAt;
    this.#failingSince = undefined;
    this.#lastError = undefined;
    this.watcher.succeeded();
    const left = startedAt + this.options.maxStaleMs - this.clock.monotonic();
    this.isFresh = left > 0;
    // One timer at a time, set anew when it fires: confirmations come often.
    if (this.isFresh) this.#lapse ??= this.#lapseAfter(left);
  }

  #lapseAfter(ms: number): CacheTimer {
    return this.clock.setTimer(
      ms,
      () => {
        this.#lapse = undefined;
        const left = this.#confirmedAt + this.options.maxStaleMs - this.clock.monotonic();
        if (left > 0) this.#lapse = this.#lapseAfter(left);
        else this.isFresh = false;
      },
      false,
    );
  }

  /** No look that began at `since` or later has succeeded. Gives since when none does. */
  #failed(since: number): number {
    this.#failedAt = this.clock.monotonic();
    return (this.#failingSince ??= since);
  }

  #whileFailing(since: number): Permission {
    // Where not even the beat has brought a confirmation, it has failed, or this process stood still.
    const latest = Math.min(since, this.#confirmedAt + BEAT_MS);
    const silentMs = this.clock.monotonic() - latest;
    const silentWallMs = this.clock.now() - this.#confirmedAtWall - BEAT_MS;
    return Math.max(silentMs, silentWallMs) < this.options.staleWhileDownMs ? 'unconfirmed' : 'lost';
  }
}
