import type { CacheTimer, Clock } from '../clock.js';
import { DeadInstances } from './dead-instances.js';
import type { SharedFreshness } from './freshness.js';
import type { LogReader } from './log-reader.js';
import type { Membership } from './membership.js';
import { BEAT_MS } from './own-log.js';
import type { SharedStorage } from './shared-storage.js';

/** How soon it beats again where others can't see it, ms, and where they don't know it. */
const UNSEEN_BEAT_MS = 500;
const OUT_BEAT_MS = 3000;

export interface HeartbeatOptions {
  readonly storage: SharedStorage;
  readonly membership: Membership;
  readonly reader: Pick<LogReader, 'instances'>;
  readonly freshness: Pick<SharedFreshness, 'look' | 'confirmedAt'>;
  readonly clock: Clock;
}

/** By what the others see that an instance lives, and what goes with it: it reads their logs, and removes what nobody needs. */
export class Heartbeat {
  readonly #dead = new DeadInstances();
  /** Whether what shows the others that it lives has broken. */
  #isUnseen = false;
  #timer: CacheTimer | undefined;
  #isOver = false;

  constructor(private readonly options: HeartbeatOptions) {}

  begin(): void {
    this.#schedule();
  }

  stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  /** Others may take it for gone: it shows them that it lives, by another session where there was one. */
  disturbed(): void {
    this.#isUnseen = true;
    if (this.#isOver || this.#timer === undefined) return;
    this.#timer.cancel();
    this.#beatNow();
  }

  #schedule(): void {
    if (this.#isOver) return;
    const { clock, membership } = this.options;
    const ms = this.#isUnseen ? UNSEEN_BEAT_MS : membership.isOut ? OUT_BEAT_MS : BEAT_MS;
    this.#timer = clock.setTimer(ms, () => this.#beatNow(), false);
  }

  #beatNow(): void {
    this.#timer = undefined;
    this.#beat()
      // The database may be away; what is due is done at the next one.
      .catch(() => undefined)
      .finally(() => this.#schedule());
  }

  async #beat(): Promise<void> {
    const { storage, membership, reader, freshness, clock } = this.options;
    try {
      await this.#showItself();
    } finally {
      // Also where the database does not take the beat: it is known then since when it is away.
      await freshness.look();
    }
    const { log } = membership;
    const outdated = log.outdated(clock.monotonic());
    if (outdated !== undefined) await storage.trimLog(outdated);
    // Their beats are as old as that look, however long ago it was.
    for (const dead of this.#dead.among(reader.instances, freshness.confirmedAt))
      if (dead !== log.writer) await storage.remove(dead);
  }

  async #showItself(): Promise<void> {
    const { storage, membership } = this.options;
    const { log, isOut } = membership;
    if (isOut) {
      await membership.rejoin();
      return;
    }
    // Before it is asked: what breaks meanwhile is broken.
    this.#isUnseen = false;
    try {
      if (!(await storage.beat(log.writer))) membership.removed(log.writer);
    } catch (error) {
      this.#isUnseen = true;
      throw error;
    }
  }
}
