import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { Update } from 'grammy/types';
import { TelegramLine } from './telegram-line.js';
import { TelegramPatience } from './telegram-patience.js';
import { UpdatesInHand } from './updates-in-hand.js';

/** Handles an update; returns whether Telegram may forget it. Never rejects. */
type HandleUpdate = (update: Update) => Promise<boolean>;

/**
 * Fetches updates, many being handled at a time, and confirms them when they are handled. grammY's own loop handles one at a
 * time, and its runner confirms a batch when it fetches the next one, handled or not: a crash would lose those.
 */
@Injectable()
export class UpdatePoll {
  readonly #logger = new Logger('Telegram');
  readonly #inHand = new UpdatesInHand();
  readonly #handling = new Set<Promise<void>>();
  #confirmed = 0;

  constructor(
    private readonly line: TelegramLine,
    private readonly patience: TelegramPatience,
  ) {}

  /** Runs until `signal` ends it. Rejects then, and where Telegram refuses the bot. */
  async run(handle: HandleUpdate, signal: AbortSignal): Promise<never> {
    for (;;) {
      const updates = await this.#fetch(signal);
      for (const update of this.#inHand.admit(updates)) this.#begin(update, handle);
      await this.#pause(signal);
    }
  }

  /** Resolves when nothing is being handled. */
  async settled(): Promise<void> {
    await Promise.all(this.#handling);
  }

  /** Confirms what was handled since the last fetch. */
  async confirm(): Promise<void> {
    const { offset } = this.#inHand;
    if (offset === this.#confirmed) return;
    try {
      const signal = AbortSignal.timeout(this.patience.confirmMs);
      await this.line.call((api, end) => api.getUpdates({ offset, limit: 1, timeout: 0 }, end), signal);
    } catch {
      this.#logger.warn('Telegram did not answer in time: its last messages will come again.');
    }
  }

  async #fetch(signal: AbortSignal): Promise<Update[]> {
    return this.line.call(async (api, end) => {
      const { offset } = this.#inHand;
      // After a failure, too, the reply is to come at once: it says that the failure is over.
      const isHeld = this.#handling.size === 0 && this.line.isReachable;
      const timeout = isHeld ? this.patience.pollSeconds : 0;
      const updates = await api.getUpdates({ offset, timeout, allowed_updates: ['message'] }, end);
      this.#inHand.confirmed(offset);
      this.#confirmed = offset;
      return updates;
    }, signal);
  }

  #begin(update: Update, handle: HandleUpdate): void {
    const handling = handle(update).then((isHandled) => {
      if (isHandled) this.#inHand.handled(update);
      this.#handling.delete(handling);
    });
    this.#handling.add(handling);
  }

  /** Until nothing is being handled, or it is time to look for what came meanwhile. */
  async #pause(signal: AbortSignal): Promise<void> {
    if (this.#handling.size === 0) return;
    const over = new AbortController();
    const look = delay(this.patience.lookMs, undefined, { signal: AbortSignal.any([signal, over.signal]) });
    await Promise.race([this.settled(), look.catch(() => undefined)]);
    over.abort();
  }
}
