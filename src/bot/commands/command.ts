import type { Answer } from '../messages/message.js';

/** A command as a user gave it. */
export interface CommandCall {
  /** Without the slash, in lower case. */
  readonly name: string;
  /** What follows the name. */
  readonly rest: string;
  readonly chatId: number;
  readonly userId: number;
}

/** A command the bot knows. */
export interface Command {
  readonly name: string;
  /** What follows the name, for the help: `KEY VALUE`. */
  readonly usage?: string;
  readonly summary: string;
  run(call: CommandCall): Answer | Promise<Answer>;
}

/** Commands that belong together. */
export interface CommandGroup {
  readonly commands: readonly Command[];
}
