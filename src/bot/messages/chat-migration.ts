import { Injectable, Logger } from '@nestjs/common';
import { CacheService, type ChatInfo, type Immutable } from '../../index.js';

/** Moves what is stored of a group to its new id when Telegram makes it a supergroup. */
@Injectable()
export class ChatMigration {
  readonly #logger = new Logger('ChatMigration');

  constructor(private readonly cache: CacheService) {}

  /** Moves the chat's own record. Telegram announces a migration in both chats: the second time there is nothing to move. */
  async move(from: number, to: number): Promise<void> {
    if (!(await this.cache.chats.rename(from, to))) return;
    await this.cache.chats.update(to, (record) => ({
      ...record,
      info: { ...record?.info, migratedFrom: from },
    }));
    this.#logger.log(`Chat ${from} is chat ${to} now.`);
  }

  /**
   * Moves what is remembered of a user to the chat's new id, when the user first writes there: who has data in a chat
   * can't be listed, since only a part of it may be in memory.
   */
  async moveUser(userId: number, chatId: number, info: Immutable<ChatInfo>): Promise<void> {
    const from = info['migratedFrom'];
    if (typeof from !== 'number') return;
    if (await this.cache.chatUsers.has([chatId, userId])) return;
    await this.cache.chatUsers.rename([from, userId], [chatId, userId]);
  }
}
