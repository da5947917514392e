import { autoRetry } from '@grammyjs/auto-retry';
import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Bot, type Context, type Filter } from 'grammy';
import type { Update } from 'grammy/types';
import type { TelegramAccess } from '../environment.js';
import { MessageHandler } from '../messages/message-handler.js';
import { StopDeadline } from '../messages/stop-deadline.js';
import { AnswerSender } from './answer-sender.js';
import { oneByOneInChat } from './chat-lines.js';
import { MigrationAnnouncement } from './migration-announcement.js';
import { TELEGRAM_ACCESS } from './telegram-access.js';
import { describeTelegramFailure } from './telegram-failure.js';
import { TelegramLine } from './telegram-line.js';
import { readMessage } from './telegram-message.js';
import { TelegramPatience } from './telegram-patience.js';
import { UpdatePoll } from './update-poll.js';

/** Talks through Telegram, by long polling. */
@Injectable()
export class TelegramTransport implements OnModuleDestroy {
  readonly #logger = new Logger('Telegram');
  readonly #bot: Bot;
  /** Nothing is begun any more. */
  readonly #stopping = new AbortController();
  /** What is in hand is given up, too. */
  readonly #givingUp = new AbortController();

  constructor(
    @Inject(TELEGRAM_ACCESS) private readonly access: TelegramAccess,
    private readonly line: TelegramLine,
    private readonly poll: UpdatePoll,
    private readonly announcement: MigrationAnnouncement,
    private readonly answers: AnswerSender,
    private readonly handler: MessageHandler,
    private readonly deadline: StopDeadline,
    patience: TelegramPatience,
  ) {
    const { token, apiRoot } = access;
    const timeoutSeconds = patience.callSeconds;
    this.#bot = new Bot(token, { client: { timeoutSeconds, ...(apiRoot !== undefined && { apiRoot }) } });
    this.#bot.api.config.use(autoRetry({ maxDelaySeconds: patience.answerMs / 1000 }));
    this.#bot.use(oneByOneInChat);
    this.#bot.use(async (_context, next) => {
      this.#stopping.signal.throwIfAborted();
      await next();
    });
    this.#bot.on('message:migrate_to_chat_id', ({ chat, msg }) =>
      this.announcement.take(chat.id, msg.migrate_to_chat_id, this.#stopping.signal),
    );
    this.#bot.on('message:migrate_from_chat_id', ({ chat, msg }) =>
      this.announcement.take(msg.migrate_from_chat_id, chat.id, this.#stopping.signal),
    );
    this.#bot.on('message', (context) => this.#take(context));
  }

  /** Runs until it is stopped. Rejects when Telegram refuses the bot: a wrong token, or a second one polling. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    // The error itself goes no further: grammY's hold the address of the call, and with it the token.
    const failure = await this.#listen(signal).catch((error: unknown) =>
      describeTelegramFailure(error, this.access.token),
    );
    if (!signal.aborted) throw new Error(`Telegram refuses the bot: ${failure}`);
  }

  /** Early in the stop, so that the cache still takes what the messages in hand change. */
  async onModuleDestroy(): Promise<void> {
    this.#stopping.abort();
    this.#logger.log('Stopping.');
    if (!(await this.deadline.allows(this.poll.settled()))) {
      this.#logger.warn('Not everything in hand could be finished: those messages will come again.');
      this.#givingUp.abort();
    }
    await this.poll.confirm();
  }

  async #listen(signal: AbortSignal): Promise<never> {
    this.#bot.botInfo = await this.line.call((api, end) => api.getMe(end), signal);
    // While there is a webhook, nobody may poll.
    await this.line.call((api, end) => api.deleteWebhook({}, end), signal);
    this.#logger.log(`Listening as @${this.#bot.botInfo.username}.`);
    return this.poll.run((update) => this.#handle(update), signal);
  }

  /** Returns whether the update is done with. */
  async #handle(update: Update): Promise<boolean> {
    try {
      await this.#bot.handleUpdate(update);
      return true;
    } catch (error) {
      // What the stop has ended comes again.
      if (this.#stopping.signal.aborted) return false;
      const reason = describeTelegramFailure(error, this.access.token);
      this.#logger.error(`An update was not handled: ${reason}`);
      return true;
    }
  }

  async #take(context: Filter<Context, 'message'>): Promise<void> {
    const message = readMessage(context.update, context.msg, context.me);
    if (message === undefined) return;
    for (const answer of await this.handler.handle(message)) {
      this.#givingUp.signal.throwIfAborted();
      await this.answers.send(context, context.msg, answer, this.#givingUp.signal);
    }
  }
}
