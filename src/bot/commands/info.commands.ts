import { Injectable } from '@nestjs/common';
import { CacheService } from '../../index.js';
import type { Answer } from '../messages/message.js';
import { statsTable } from './stats-table.js';
import type { Command, CommandCall, CommandGroup } from './command.js';

/** What the bot knows: of the chat, and of its cache. */
@Injectable()
export class InfoCommands implements CommandGroup {
  readonly commands: readonly Command[] = [
    { name: 'info', summary: 'tells what I know of this chat', run: (call) => this.#info(call) },
    { name: 'stats', summary: 'shows the figures of my cache', run: () => this.#stats() },
  ];

  constructor(private readonly cache: CacheService) {}

  async #info({ chatId }: CommandCall): Promise<Answer> {
    const info = (await this.cache.getChatInfo(chatId)) ?? {};
    const { title = '?', type = '?', messages = 0, lastSeen = '?' } = info;
    return {
      text: `${title} (${type})\nMessages: ${String(messages)}\nLast message: ${String(lastSeen)}`,
    };
  }

  #stats(): Answer {
    return { text: statsTable(this.cache.getStats()), monospace: true };
  }
}
