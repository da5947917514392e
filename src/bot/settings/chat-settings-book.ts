import { Injectable } from '@nestjs/common';
import { CacheService, type ChatSettings, type Immutable } from '../../index.js';
import { assertLengths, assertRoom } from './entry-limits.js';

/** The settings of chats, one by one. */
@Injectable()
export class ChatSettingsBook {
  constructor(private readonly cache: CacheService) {}

  all(chatId: number): Promise<Immutable<ChatSettings>> {
    return this.cache.getChatSettings(chatId);
  }

  /** Sets one setting. `setChatSettings` would replace them all, and with them one that was set meanwhile. */
  async put(chatId: number, key: string, value: string): Promise<void> {
    assertLengths(key, value);
    await this.cache.chats.update(chatId, (record) => {
      assertRoom(record?.settings ?? {}, key, 'Remove one with /unset first.');
      return { ...record, settings: { ...record?.settings, [key]: value } };
    });
  }

  /** Removes one setting; answers whether there was one. */
  async remove(chatId: number, key: string): Promise<boolean> {
    let removed = false;
    await this.cache.chats.update(chatId, (record) => {
      const { [key]: _removed, ...settings } = record?.settings ?? {};
      removed = Object.hasOwn(record?.settings ?? {}, key);
      return { ...record, settings };
    });
    return removed;
  }
}
