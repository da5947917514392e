import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { Api, GrammyError } from 'grammy';
import type { TelegramAccess } from '../environment.js';
import { ConnectionLog } from './connection-log.js';
import { TELEGRAM_ACCESS } from './telegram-access.js';
import { TelegramPatience } from './telegram-patience.js';
import { telegramSignal, type TelegramSignal } from './telegram-signal.js';

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

/** The calls that the bot can't do without: they are made again until Telegram replies. */
@Injectable()
export class TelegramLine {
  readonly #api: Api;
  readonly #log: ConnectionLog;

  constructor(@Inject(TELEGRAM_ACCESS) { token, apiRoot }: TelegramAccess, patience: TelegramPatience) {
    const timeoutSeconds = patience.pollSeconds + patience.callSeconds;
    this.#api = new Api(token, { timeoutSeconds, ...(apiRoot !== undefined && { apiRoot }) });
    this.#log = new ConnectionLog(token);
  }

  /** Whether Telegram has replied to the last call. */
  get isReachable(): boolean {
    return this.#log.isReachable;
  }

  /** Rejects where Telegram refuses the bot, and when `signal` ends it. */
  async call<T>(ask: (api: Api, signal: TelegramSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(LONGEST_WAIT_MS, 2 * waitMs)) {
      try {
        const reply = await ask(this.#api, telegramSignal(signal));
        this.#log.reached();
        return reply;
      } catch (error) {
        signal.throwIfAborted();
        if (isRefusal(error)) throw error;
        this.#log.failed(error);
        await delay(retryAfterMs(error) ?? waitMs, undefined, { signal });
      }
    }
  }
}

/** Whether Telegram has replied and would again: a wrong token, a second bot that polls. */
function isRefusal(error: unknown): boolean {
  return error instanceof GrammyError && error.error_code < 500 && error.error_code !== 429;
}

function retryAfterMs(error: unknown): number | undefined {
  const seconds = error instanceof GrammyError ? error.parameters.retry_after : undefined;
  return seconds === undefined ? undefined : seconds * 1000;
}
