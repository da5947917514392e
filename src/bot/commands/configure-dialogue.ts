import { Injectable } from '@nestjs/common';
import { CacheService } from '../../index.js';
import { asAnswer, type Answer, type IncomingMessage } from '../messages/message.js';
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

  /** Ends the dialogue; returns whether there was one. */
  cancel(userId: number): boolean {
    if (this.#progress(userId) === undefined) return false;
    this.cache.clearUserState(userId, STATE_KEY);
    return true;
  }

  /** Whether a message may be the next answer of its user. */
  awaits({ chat, userId }: IncomingMessage): boolean {
    return this.#progress(userId)?.chatId === chat.id;
  }

  /** Takes a message as the next answer of its user, when one is awaited in this chat. */
  async proceed(message: IncomingMessage): Promise<Answer | undefined> {
    const { chat, userId, text } = message;
    const progress = this.#progress(userId);
    if (progress?.chatId !== chat.id || text.trim() === '') return this.#repeat(message);
    return progress.key === undefined
      ? this.#takeKey(chat.id, userId, text.trim())
      : await this.#takeValue(message, progress.key);
  }

  /** A restart ends a dialogue, but a value whose answer did not arrive before it is answered after it. */
  async #repeat({ chat, delivery }: IncomingMessage): Promise<Answer | undefined> {
    return delivery && asAnswer(await this.settings.answered(chat.id, delivery));
  }

  #takeKey(chatId: number, userId: number, key: string): Answer {
    if (/\s/.test(key)) throw new Refusal('The name of a setting is one word. Which one? /cancel ends this.');
    assertLengths(key);
    this.#save(userId, { chatId, key });
    return { text: `What shall ${key} be?` };
  }

  async #takeValue(message: IncomingMessage, key: string): Promise<Answer | undefined> {
    const { chat, userId, delivery } = message;
    const value = message.text.trim();
    assertLengths(key, value);
    // Before the write, so that a message sent meanwhile is not taken for a second value.
    this.cache.clearUserState(userId, STATE_KEY);
    return asAnswer(await this.settings.put(chat.id, key, value, delivery));
  }

  #progress(userId: number): Progress | undefined {
    return this.cache.getUserState<Progress>(userId, STATE_KEY);
  }

  #save(userId: number, progress: Progress): void {
    this.cache.setUserState(userId, STATE_KEY, progress);
  }
}
