import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Bot, type Context, type Filter } from 'grammy';
import type { TelegramAccess } from '../environment.js';
import { ChatMigration } from '../messages/chat-migration.js';
import { MessageHandler } from '../messages/message-handler.js';
import type { Answer } from '../messages/message.js';
import { answerParts } from './answer-parts.js';
import { ConnectionLog } from './connection-log.js';
import { describeTelegramFailure } from './telegram-failure.js';
import { readMessage } from './telegram-message.js';

export const TELEGRAM_ACCESS = Symbol('TELEGRAM_ACCESS');

/** How long the stop waits for Telegram: for an answer that is being sent, and for the handled updates' confirmation. */
const STOP_PATIENCE_MS = 5000;

/** Talks through Telegram, by long polling. */
@Injectable()
export class TelegramTransport implements OnModuleDestroy {
  readonly #logger = new Logger('Telegram');
  readonly #bot: Bot;
  #handling: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(
    @Inject(TELEGRAM_ACCESS) private readonly access: TelegramAccess,
    private readonly handler: MessageHandler,
    private readonly migration: ChatMigration,
  ) {
    const { token, apiRoot } = access;
    this.#bot = new Bot(token, { client: { timeoutSeconds: 60, ...(apiRoot !== undefined && { apiRoot }) } });
    this.#bot.api.config.use(new ConnectionLog(token).transformer);
    this.#bot.use(async (_context, next) => {
      // What is left of a batch is neither handled nor confirmed: it comes again at the next start.
      if (this.#stopping) return;
      this.#handling = next();
      await this.#handling;
    });
    this.#bot.on('message:migrate_to_chat_id', ({ chat, msg }) =>
      this.migration.move(chat.id, msg.migrate_to_chat_id),
    );
    this.#bot.on('message:migrate_from_chat_id', ({ chat, msg }) =>
      this.migration.move(msg.migrate_from_chat_id, chat.id),
    );
    this.#bot.on('message', (context) => this.#take(context));
    this.#bot.catch(({ error }) => {
      this.#logger.error(`An update was not handled: ${describeTelegramFailure(error, token)}`);
    });
  }

  /** Runs until it is stopped. Rejects when Telegram refuses the bot: a wrong token, or a second one polling. */
  async run(): Promise<void> {
    const start = this.#bot.start({
      allowed_updates: ['message'],
      onStart: ({ username }) => this.#logger.log(`Listening as @${username}.`),
    });
    // The error itself goes no further: grammY's hold the address of the call, and with it the token.
    const failure = await start.then(
      () => undefined,
      (error: unknown) => describeTelegramFailure(error, this.access.token),
    );
    if (failure !== undefined && !this.#stopping) throw new Error(`Telegram refuses the bot: ${failure}`);
  }

  /** Early in the stop, so that the cache still takes what the message in hand changes. */
  async onModuleDestroy(): Promise<void> {
    this.#stopping = true;
    const stopped = Promise.allSettled([this.#bot.stop(), this.#handling]);
    const late = delay(STOP_PATIENCE_MS, 'late', { ref: false });
    if ((await Promise.race([stopped, late])) === 'late') {
      this.#logger.warn('Telegram did not answer in time: its last messages may come again.');
    }
  }

  async #take(context: Filter<Context, 'message'>): Promise<void> {
    const message = readMessage(context.msg, context.me);
    if (message === undefined) return;
    for (const answer of (await this.handler.handle(message)).flatMap(answerParts)) {
      await this.#reply(context, answer);
    }
  }

  async #reply(context: Filter<Context, 'message'>, { text, monospace }: Answer): Promise<void> {
    const { is_topic_message: inTopic, message_thread_id: topic } = context.msg;
    await context.reply(text, {
      ...(monospace === true && { entities: [{ type: 'pre', offset: 0, length: text.length }] }),
      ...(inTopic === true && topic !== undefined && { message_thread_id: topic }),
    });
  }
}
