import { Inject, Injectable, Logger } from '@nestjs/common';
import { GrammyError, type Context } from 'grammy';
import type { Message } from 'grammy/types';
import type { TelegramAccess } from '../environment.js';
import type { Answer } from '../messages/message.js';
import { answerParts } from './answer-parts.js';
import { TELEGRAM_ACCESS } from './telegram-access.js';
import { describeTelegramFailure } from './telegram-failure.js';
import { TelegramPatience } from './telegram-patience.js';
import { telegramSignal } from './telegram-signal.js';

/** Sends answers. The bot's API tries again what Telegram does not take; this says for how long. */
@Injectable()
export class AnswerSender {
  readonly #logger = new Logger('Telegram');

  constructor(
    @Inject(TELEGRAM_ACCESS) private readonly access: TelegramAccess,
    private readonly patience: TelegramPatience,
  ) {}

  /** Rejects when `signal` ends it. An answer that Telegram does not take for too long, or never will, is given up. */
  async send(context: Context, message: Message, answer: Answer, signal: AbortSignal): Promise<void> {
    const patient = AbortSignal.any([signal, AbortSignal.timeout(this.patience.answerMs)]);
    try {
      for (const part of answerParts(answer)) await this.#send(context, message, part, patient);
    } catch (error) {
      signal.throwIfAborted();
      const reason = describeTelegramFailure(error, this.access.token);
      this.#logger.error(`An answer in chat ${message.chat.id} was given up: ${reason}`);
    }
  }

  async #send({ api }: Context, message: Message, answer: Answer, signal: AbortSignal): Promise<void> {
    const { is_topic_message: inTopic, message_thread_id: topic } = message;
    const { text, monospace } = answer;
    const options = {
      ...(monospace === true && { entities: [{ type: 'pre' as const, offset: 0, length: text.length }] }),
      ...(inTopic === true && topic !== undefined && { message_thread_id: topic }),
    };
    try {
      await api.sendMessage(message.chat.id, text, options, telegramSignal(signal));
    } catch (error) {
      const newId = error instanceof GrammyError ? error.parameters.migrate_to_chat_id : undefined;
      if (newId === undefined) throw error;
      await api.sendMessage(newId, text, options, telegramSignal(signal));
    }
  }
}
