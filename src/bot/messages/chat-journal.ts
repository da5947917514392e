import { Injectable } from '@nestjs/common';
import { CacheService, type ChatInfo, type Immutable } from '../../index.js';
import type { IncomingMessage } from './message.js';

/** Keeps what is known of a chat current with every message in it. */
@Injectable()
export class ChatJournal {
  constructor(private readonly cache: CacheService) {}

  async note({ chat, sentAt }: IncomingMessage): Promise<Immutable<ChatInfo>> {
    // One update per message, with nothing in between: a count read first and written later would lose messages.
    const { info = {} } = await this.cache.chats.update(chat.id, (record) => ({
      ...record,
      info: {
        ...record?.info,
        title: chat.title,
        type: chat.type,
        messages: messageCount(record?.info) + 1,
        lastSeen: sentAt.toISOString(),
      },
    }));
    return info;
  }
}

/** How many messages the bot has seen in a chat. */
function messageCount(info: Immutable<ChatInfo> | undefined): number {
  const count = info?.['messages'];
  return typeof count === 'number' ? count : 0;
}
