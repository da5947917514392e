import { Injectable } from '@nestjs/common';
import { CacheService, type ChatInfo, type Immutable } from '../../index.js';
import type { IncomingMessage } from './message.js';
import { isHandled, readDelivery } from './receipt.js';

/** The last message that was counted. */
const LAST_COUNTED = 'lastCounted';

/** Keeps what is known of a chat current with every message in it. */
@Injectable()
export class ChatJournal {
  constructor(private readonly cache: CacheService) {}

  async note({ chat, sentAt, delivery }: IncomingMessage): Promise<void> {
    // One update per message, with nothing in between: a count read first and written later would lose messages.
    await this.cache.chats.update(chat.id, (record = {}) => {
      const last = readDelivery(record.info?.[LAST_COUNTED]);
      if (delivery !== undefined && last !== undefined && isHandled(delivery, last)) return record;
      const info = {
        ...record.info,
        title: chat.title,
        type: chat.type,
        messages: messageCount(record.info) + 1,
        lastSeen: sentAt.toISOString(),
        ...(delivery !== undefined && { [LAST_COUNTED]: delivery }),
      };
      return { ...record, info };
    });
  }
}

/** How many messages the bot has seen in a chat. */
export function messageCount(info: Immutable<ChatInfo> | undefined): number {
  const count = info?.['messages'];
  return typeof count === 'number' ? count : 0;
}
