import { Injectable } from '@nestjs/common';
import { asAnswer, type Answer } from '../messages/message.js';
import { Refusal } from '../messages/refusal.js';
import { ChatSettingsBook } from '../settings/chat-settings-book.js';
import type { Command, CommandCall, CommandGroup } from './command.js';
import { splitKeyAndValue } from './command-line.js';
import { listEntries } from './entry-list.js';

/** The settings of the chat. */
@Injectable()
export class SettingsCommands implements CommandGroup {
  readonly commands: readonly Command[] = [
    { name: 'settings', summary: 'shows the settings of this chat', run: (call) => this.#list(call) },
    { name: 'set', usage: 'KEY VALUE', summary: 'changes a setting', run: (call) => this.#set(call) },
    { name: 'unset', usage: 'KEY', summary: 'removes a setting', run: (call) => this.#unset(call) },
  ];

  constructor(private readonly settings: ChatSettingsBook) {}

  async #list({ chatId }: CommandCall): Promise<Answer> {
    const list = listEntries(await this.settings.all(chatId));
    return { text: list === '' ? 'This chat has no settings yet. /set KEY VALUE makes one.' : list };
  }

  async #set({ chatId, rest, delivery }: CommandCall): Promise<Answer | undefined> {
    const { key, value } = splitKeyAndValue(rest);
    if (key === undefined || value === undefined) throw new Refusal('Like this: /set language German');
    return asAnswer(await this.settings.put(chatId, key, value, delivery));
  }

  async #unset({ chatId, rest, delivery }: CommandCall): Promise<Answer | undefined> {
    const { key } = splitKeyAndValue(rest);
    if (key === undefined) throw new Refusal('Like this: /unset language');
    return asAnswer(await this.settings.remove(chatId, key, delivery));
  }
}
