import { Injectable } from '@nestjs/common';
import { CacheService } from '../../index.js';
import type { Answer } from '../messages/message.js';
import { Refusal } from '../messages/refusal.js';
import { assertLengths, assertRoom } from '../settings/entry-limits.js';
import type { Command, CommandCall, CommandGroup } from './command.js';
import { splitKeyAndValue } from './command-line.js';
import { listEntries, showValue } from './entry-list.js';

/** What the bot remembers for a user in a chat. */
@Injectable()
export class MemoryCommands implements CommandGroup {
  readonly commands: readonly Command[] = [
    {
      name: 'remember',
      usage: 'KEY VALUE',
      summary: 'keeps something for you in this chat',
      run: (call) => this.#remember(call),
    },
    { name: 'recall', usage: '[KEY]', summary: 'tells it again, or all', run: (call) => this.#recall(call) },
    { name: 'forget', usage: 'KEY', summary: 'forgets it', run: (call) => this.#forget(call) },
  ];

  constructor(private readonly cache: CacheService) {}

  async #remember({ chatId, userId, rest }: CommandCall): Promise<Answer> {
    const { key, value } = splitKeyAndValue(rest);
    if (key === undefined || value === undefined) throw new Refusal('Like this: /remember tea Oolong');
    assertLengths(key, value);
    // Commands that overlap may pass this together and exceed the bound a little, which harms nothing.
    assertRoom(await this.cache.getUserData(chatId, userId), key, 'Make room with /forget first.');
    await this.cache.setUserData(chatId, userId, key, value);
    return { text: `I’ll remember: ${key} = ${value}` };
  }

  async #recall({ chatId, userId, rest }: CommandCall): Promise<Answer> {
    const { key } = splitKeyAndValue(rest);
    const data = await this.cache.getUserData(chatId, userId);
    if (key === undefined) {
      const list = listEntries(data);
      return {
        text: list === '' ? 'I remember nothing for you here. /remember KEY VALUE changes that.' : list,
      };
    }
    // Keys are whatever users make up: `constructor` is only there when one of them has stored it.
    const known = Object.hasOwn(data, key);
    return { text: known ? `${key} = ${showValue(data[key])}` : `I remember nothing under ${key}.` };
  }

  async #forget({ chatId, userId, rest }: CommandCall): Promise<Answer> {
    const { key } = splitKeyAndValue(rest);
    if (key === undefined) throw new Refusal('Like this: /forget tea');
    let known = false;
    await this.cache.chatUsers.update([chatId, userId], (data = {}) => {
      known = Object.hasOwn(data, key);
      const { [key]: _forgotten, ...others } = data;
      return others;
    });
    return { text: known ? `Forgotten: ${key}` : `I remember nothing under ${key}.` };
  }
}
