import type { Answer } from '../messages/message.js';
import type { Command, CommandGroup } from './command.js';

/** Says what the bot can do. */
export class HelpCommands implements CommandGroup {
  readonly commands: readonly Command[] = [
    { name: 'start', summary: 'greets you', run: () => this.#start() },
    { name: 'help', summary: 'lists the commands', run: () => this.#help() },
  ];
  readonly #listed: readonly Command[];

  constructor(others: readonly CommandGroup[]) {
    this.#listed = [...this.commands, ...others.flatMap((group) => group.commands)];
  }

  #start(): Answer {
    return {
      text:
        'Hello, I am a small Gromozeka. I keep the settings of this chat and remember things for you, ' +
        'also over my restarts.\n\nTry /remember tea Oolong, then /recall tea. /help lists all I can do.',
    };
  }

  #help(): Answer {
    const lines = this.#listed.map(({ name, usage, summary }) => {
      const call = usage === undefined ? `/${name}` : `/${name} ${usage}`;
      return `${call} — ${summary}`;
    });
    return { text: lines.join('\n') };
  }
}
