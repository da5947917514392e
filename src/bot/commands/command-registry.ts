import type { Answer } from '../messages/message.js';
import { Refusal } from '../messages/refusal.js';
import type { Command, CommandCall, CommandGroup } from './command.js';

/** Every command the bot knows, by its name. */
export class CommandRegistry {
  readonly #commands = new Map<string, Command>();

  constructor(groups: readonly CommandGroup[]) {
    for (const command of groups.flatMap((group) => group.commands)) {
      if (this.#commands.has(command.name)) throw new Error(`There are two commands /${command.name}.`);
      this.#commands.set(command.name, command);
    }
  }

  async run(call: CommandCall): Promise<Answer | undefined> {
    const command = this.#commands.get(call.name);
    if (command === undefined) throw new Refusal(this.#unknown(call.name));
    return await command.run(call);
  }

  #unknown(name: string): string {
    const alike = [...this.#commands.keys()].filter((known) => known.startsWith(name.slice(0, 3)));
    const guess =
      alike.length === 0 ? '' : ` Did you mean ${alike.map((known) => `/${known}`).join(' or ')}?`;
    return `I don’t know this command.${guess} /help lists those I know.`;
  }
}
