import { Injectable } from '@nestjs/common';
import { CacheService, type ChatRecord, type ChatSettings, type Immutable } from '../../index.js';
import type { Delivery } from '../messages/message.js';
import { isHandled, readReceipt, repeatedAnswer, type Receipt } from '../messages/receipt.js';
import { assertLengths, assertRoom } from './entry-limits.js';

/** The receipt of the message that changed a setting last, in the chat's info. */
const RECEIPT = 'settingsReceipt';

type Settings = Immutable<ChatSettings>;

/** The settings of chats, one by one. */
@Injectable()
export class ChatSettingsBook {
  constructor(private readonly cache: CacheService) {}

  all(chatId: number): Promise<Settings> {
    return this.cache.getChatSettings(chatId);
  }

  /** Sets one setting. Returns the answer to the user; nothing for a message that was handled before the last one. */
  put(chatId: number, key: string, value: string, delivery?: Delivery): Promise<string | undefined> {
    assertLengths(key, value);
    return this.#change(chatId, delivery, (settings) => {
      assertRoom(settings, key, 'Remove one with /unset first.');
      return { settings: { ...settings, [key]: value }, answer: `Set: ${key} = ${value}` };
    });
  }

  /** Removes one setting; returns like {@link put}. */
  remove(chatId: number, key: string, delivery?: Delivery): Promise<string | undefined> {
    return this.#change(chatId, delivery, (before) => {
      const { [key]: _removed, ...settings } = before;
      const answer = Object.hasOwn(before, key)
        ? `Removed the setting ${key}.`
        : `There is no setting ${key}.`;
      return { settings, answer };
    });
  }

  /** The answer to a message, if it was the last one that changed a setting. */
  async answered(chatId: number, delivery: Delivery): Promise<string | undefined> {
    const receipt = receiptOf(await this.cache.chats.get(chatId));
    return receipt !== undefined && isHandled(delivery, receipt)
      ? repeatedAnswer(delivery, receipt)
      : undefined;
  }

  /** In one update: `setChatSettings` would replace all settings, and with them one that was set meanwhile. */
  async #change(
    chatId: number,
    delivery: Delivery | undefined,
    change: (settings: Settings) => { settings: Settings; answer: string },
  ): Promise<string | undefined> {
    let answer: string | undefined;
    await this.cache.chats.update(chatId, (record = {}) => {
      const receipt = receiptOf(record);
      if (delivery !== undefined && receipt !== undefined && isHandled(delivery, receipt)) {
        answer = repeatedAnswer(delivery, receipt);
        return record;
      }
      const changed = change(record.settings ?? {});
      answer = changed.answer;
      if (delivery === undefined) return { ...record, settings: changed.settings };
      const info = { ...record.info, [RECEIPT]: { ...delivery, answer } };
      return { settings: changed.settings, info };
    });
    return answer;
  }
}

function receiptOf(record: Immutable<ChatRecord> | undefined): Receipt | undefined {
  return readReceipt(record?.info?.[RECEIPT]);
}
