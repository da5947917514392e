import { Injectable } from '@nestjs/common';

/** How long the bot waits for Telegram. */
@Injectable()
export class TelegramPatience {
  /** Seconds for which Telegram holds a call for updates while there are none. */
  readonly pollSeconds: number = 30;
  /** Seconds after which a call that gets no reply has failed. */
  readonly callSeconds: number = 15;
  /** Milliseconds from one look for updates to the next while some are being handled: Telegram does not hold those calls. */
  readonly lookMs: number = 500;
  /** Milliseconds for which an answer is tried again. Only the 99 updates after an unanswered one can be fetched meanwhile. */
  readonly answerMs: number = 120_000;
  /** Milliseconds for the last call of a stop, which confirms what was handled. */
  readonly confirmMs: number = 1000;
}
