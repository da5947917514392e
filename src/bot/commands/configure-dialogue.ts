import { Injectable } from '@nestjs/common';
import { CacheService } from '../../index.js';
import type { Answer, IncomingMessage } from '../messages/message.js';
import { Refusal } from '../messages/refusal.js';
import { ChatSettingsBook } from '../settings/chat-settings-book.js';
import { assertLengths } from '../settings/entry-limits.js';

/** How far a user has come. A user has one such dialogue, in the chat where it was begun last. */
interface Progress {
  readonly chatId: number;
  /** The setting that was chosen; absent while it is asked for. */
  readonly key?: string;
}

const STATE_KEY = 'configure';

/** Asks for a setting and then for its value. Held in the user's temporary state: a restart ends it. */
@Injectable()
export class ConfigureDialogue {
  constructor(
    private readonly cache: CacheService,
    private readonly settings: ChatSettingsBook,
  ) {}

  begin(chatId: number, userId: number): void {
    this.#save(userId, { chatId });
  }

  /** Ends the dialogue; answers whether there was one. */
  cancel(userId: number): boolean {
    if (this.#progress(userId) === undefined) return false;
    this.cache.clearUserState(userId, STATE_KEY);
    return true;
  }

  /** Takes a message as the next answer of its user, when one is awaited in this chat. */
  async proceed({ chat, userId, text }: IncomingMessage): Promise<Answer | undefined> {
    const progress = this.#progress(userId);
    if (progress?.chatId !== chat.id || text.trim() === '') return undefined;
    return progress.key === undefined
      ? this.#takeKey(chat.id, userId, text.trim())
      : await this.#takeValue(chat.id, userId, progress.key, text.trim());
  }

  #takeKey(chatId: number, userId: number, key: string): Answer {
    if (/\s/.test(key)) throw new Refusal('The name of a setting is one word. Which one? /cancel ends this.');
    assertLengths(key);
    this.#save(userId, { chatId, key });
    return { text: `What shall ${key} be?` };
  }

  async #takeValue(chatId: number, userId: number, key: string, value: string): Promise<Answer> {
    assertLengths(key, value);
    // Before the write, so that a message sent meanwhile is not taken for a second value.
    this.cache.clearUserState(userId, STATE_KEY);
    await this.settings.put(chatId, key, value);
    return { text: `Set: ${key} = ${value}` };
  }

  #progress(userId: number): Progress | undefined {
    return this.cache.getUserState<Progress>(userId, STATE_KEY);
  }

  #save(userId: number, progress: Progress): void {
    this.cache.setUserState(userId, STATE_KEY, progress);
  }
}
