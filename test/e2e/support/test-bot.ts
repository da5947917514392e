import { Test, type TestingModule } from '@nestjs/testing';
import {
  CacheModule,
  CacheService,
  InMemoryStorage,
  type CacheModuleOptions,
  type CacheStorageAdapter,
} from '../../../src/index.js';
import { ChatMigration } from '../../../src/bot/messages/chat-migration.js';
import { MessageHandler } from '../../../src/bot/messages/message-handler.js';
import { MessagesModule } from '../../../src/bot/messages/messages.module.js';
import { NestLog } from '../../support/nest-app.js';

/** Who writes, and where. */
export interface From {
  readonly chatId?: number;
  readonly userId?: number;
  readonly type?: string;
  readonly botName?: string;
  /** The number of the message's update, where a transport gives one. */
  readonly update?: number;
  /** Seconds after the first messages. */
  readonly later?: number;
}

/** The bot without a transport, on a storage that outlives its restarts. */
export class TestBot {
  readonly log = new NestLog();
  #module: TestingModule | undefined;

  constructor(
    private readonly storage: CacheStorageAdapter = new InMemoryStorage(),
    private readonly options: CacheModuleOptions = {},
  ) {}

  async start(): Promise<this> {
    this.#module = await Test.createTestingModule({
      imports: [CacheModule.forRoot({ storage: this.storage, ...this.options }), MessagesModule],
    })
      .setLogger(this.log)
      .compile();
    await this.#module.init();
    return this;
  }

  async stop(): Promise<void> {
    await this.#app.close();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** The bot's answers to a message, one per line. */
  async say(text: string, from: From = {}): Promise<string> {
    const { chatId = -1, userId = 1, type = 'group', botName, update, later = 0 } = from;
    const sentAt = new Date(Date.parse('2026-01-02T03:04:05Z') + later * 1000);
    const answers = await this.#app.get(MessageHandler).handle({
      chat: { id: chatId, title: 'Tea club', type },
      userId,
      text,
      sentAt,
      ...(botName !== undefined && { botName }),
      ...(update !== undefined && { delivery: { id: update, sentAt: sentAt.getTime() } }),
    });
    return answers.map((answer) => answer.text).join('\n');
  }

  get cache(): CacheService {
    return this.#app.get(CacheService);
  }

  get migration(): ChatMigration {
    return this.#app.get(ChatMigration);
  }

  get #app(): TestingModule {
    if (this.#module === undefined) throw new Error('The bot was not started.');
    return this.#module;
  }
}
