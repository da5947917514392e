import { Injectable, Logger } from '@nestjs/common';
import { CacheService, isCacheError, type ChatInfo, type ChatRecord, type Immutable } from '../../index.js';
import { UserMemory } from '../memory/user-memory.js';
import { messageCount } from './chat-journal.js';

/** Where a chat's data went, in the record of its old id. */
const TO = 'migratedTo';
/** Where a chat's data came from, in the record of its new id. */
const FROM = 'migratedFrom';

/**
 * Moves what is stored of a group to its new id when Telegram makes it a supergroup. The old id keeps a forwarding address:
 * messages of the old group that are delivered once more find the data where it is now.
 */
@Injectable()
export class ChatMigration {
  readonly #logger = new Logger('ChatMigration');

  constructor(
    private readonly cache: CacheService,
    private readonly memory: UserMemory,
  ) {}

  /** The id under which a chat's data is stored. */
  async homeOf(chatId: number): Promise<number> {
    return idIn(await this.#info(chatId), TO) ?? chatId;
  }

  /**
   * Moves the chat's record, and resolves when that is in the database. Telegram announces a migration in both chats; moving
   * again changes nothing. Where both have a setting, that of the new id wins: it was made later.
   */
  async move(from: number, to: number): Promise<void> {
    const source = await this.cache.chats.get(from);
    if (idIn(source?.info, TO) !== to) {
      await this.cache.chats.update(to, (target) => merge(from, source, target));
      // The old record goes only when the new one is safe.
      await this.#flush();
      await this.cache.chats.set(from, { info: { [TO]: to } });
      this.#logger.log(`Chat ${from} is chat ${to} now.`);
    }
    await this.#flush();
  }

  /**
   * Moves what is remembered of a user to the chat's new id, when the user first gives a command there: who has data in a
   * chat can't be listed, since only a part of it may be in memory.
   */
  async moveUser(userId: number, chatId: number): Promise<void> {
    const from = idIn(await this.#info(chatId), FROM);
    if (from === undefined) return;
    // Anonymous administrators write in the name of the group, whose id was the old one.
    await this.memory.move([from, userId === chatId ? from : userId], [chatId, userId]);
  }

  async #info(chatId: number): Promise<Immutable<ChatInfo> | undefined> {
    try {
      return await this.cache.getChatInfo(chatId);
    } catch (error) {
      if (isCacheError(error, 'UNREADABLE_ENTRY')) return undefined;
      throw error;
    }
  }

  /** Chats are written at checkpoints, and a move can't wait for the next one. */
  async #flush(): Promise<void> {
    const { error } = await this.cache.chats.flush();
    // An entry that the database refuses comes last in a flush: everything else is written. Trying again would not help it.
    if (error !== undefined && error.code !== 'ENTRY_REFUSED') throw error;
  }
}

/** One record of both. A crash between the two steps of a move leads here again: the mark of the first keeps the sum right. */
function merge(
  from: number,
  source: Immutable<ChatRecord> | undefined,
  target: Immutable<ChatRecord> | undefined,
): Immutable<ChatRecord> {
  if (target !== undefined && idIn(target.info, FROM) === from) return target;
  const messages = messageCount(source?.info) + messageCount(target?.info);
  return {
    settings: { ...source?.settings, ...target?.settings },
    info: { ...source?.info, ...target?.info, messages, [FROM]: from },
  };
}

function idIn(info: Immutable<ChatInfo> | undefined, field: string): number | undefined {
  const id = info?.[field];
  return typeof id === 'number' ? id : undefined;
}
