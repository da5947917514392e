import { Logger } from '@nestjs/common';
import type { Transformer } from 'grammy';
import { describeTelegramFailure } from './telegram-failure.js';

/** Says when Telegram can't be reached, and when it can again: grammY tries on without a word. */
export class ConnectionLog {
  readonly #logger = new Logger('Telegram');
  #reachable = true;

  constructor(private readonly token: string) {}

  readonly transformer: Transformer = async (call, method, payload, signal) => {
    try {
      const answer = await call(method, payload, signal);
      this.#note(true, 'Telegram can be reached again.');
      return answer;
    } catch (error) {
      // Stopping cancels the call that waits for messages.
      if (signal?.aborted !== true) this.#note(false, describeTelegramFailure(error, this.token));
      throw error;
    }
  };

  #note(reachable: boolean, message: string): void {
    if (reachable === this.#reachable) return;
    this.#reachable = reachable;
    if (reachable) this.#logger.log(message);
    else this.#logger.warn(`${message} Trying again.`);
  }
}
