import { Injectable } from '@nestjs/common';
import { UserMemory } from '../memory/user-memory.js';
import { asAnswer, type Answer } from '../messages/message.js';
import { Refusal } from '../messages/refusal.js';
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

  constructor(private readonly memory: UserMemory) {}

  async #remember({ chatId, userId, rest, delivery }: CommandCall): Promise<Answer | undefined> {
    const { key, value } = splitKeyAndValue(rest);
    if (key === undefined || value === undefined) throw new Refusal('Like this: /remember tea Oolong');
    return asAnswer(await this.memory.put([chatId, userId], key, value, delivery));
  }

  async #recall({ chatId, userId, rest }: CommandCall): Promise<Answer> {
    const { key } = splitKeyAndValue(rest);
    const entries = await this.memory.all([chatId, userId]);
    if (key === undefined) {
      const list = listEntries(entries);
      return {
        text: list === '' ? 'I remember nothing for you here. /remember KEY VALUE changes that.' : list,
      };
    }
    // Keys are whatever users make up: `constructor` is only there when one of them has stored it.
    const known = Object.hasOwn(entries, key);
    return { text: known ? `${key} = ${showValue(entries[key])}` : `I remember nothing under ${key}.` };
  }

  async #forget({ chatId, userId, rest, delivery }: CommandCall): Promise<Answer | undefined> {
    const { key } = splitKeyAndValue(rest);
    if (key === undefined) throw new Refusal('Like this: /forget tea');
    return asAnswer(await this.memory.remove([chatId, userId], key, delivery));
  }
}
