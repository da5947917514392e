import { Logger } from '@nestjs/common';
import { describeTelegramFailure } from './telegram-failure.js';

/** Says once when Telegram can't be reached or is not able to answer, and once when it is again. */
export class ConnectionLog {
  readonly #logger = new Logger('Telegram');
  #isReachable = true;

  constructor(private readonly token: string) {}

  get isReachable(): boolean {
    return this.#isReachable;
  }

  failed(error: unknown): void {
    if (this.#isReachable) this.#logger.warn(`${describeTelegramFailure(error, this.token)}. Trying again.`);
    this.#isReachable = false;
  }

  reached(): void {
    if (!this.#isReachable) this.#logger.log('Telegram can be reached again.');
    this.#isReachable = true;
  }
}
