import { Injectable } from '@nestjs/common';
import type { Answer } from '../messages/message.js';
import type { Command, CommandCall, CommandGroup } from './command.js';
import { ConfigureDialogue } from './configure-dialogue.js';

/** Changing a setting by being asked. */
@Injectable()
export class ConfigureCommands implements CommandGroup {
  readonly commands: readonly Command[] = [
    { name: 'configure', summary: 'asks you what to set', run: (call) => this.#configure(call) },
    { name: 'cancel', summary: 'ends the asking', run: (call) => this.#cancel(call) },
  ];

  constructor(private readonly dialogue: ConfigureDialogue) {}

  #configure({ chatId, userId }: CommandCall): Answer {
    this.dialogue.begin(chatId, userId);
    return { text: 'Which setting shall I change? Send its name, for example: language' };
  }

  #cancel({ userId }: CommandCall): Answer {
    return { text: this.dialogue.cancel(userId) ? 'All right, I have stopped asking.' : 'I was not asking.' };
  }
}
