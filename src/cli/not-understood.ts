import type { Command, CommanderError } from 'commander';

/**
 * What is not understood of a command line. Of what was given only mistyped names are repeated: anything else may be an address
 * with a password in it, or the password.
 */
export function reasonOf(error: CommanderError, command: Command, program: Command): string {
  const name = nameOf(command);
  switch (error.code) {
    case 'commander.unknownOption':
      return `There is an unknown option${withoutOption(name, error)}`;
    case 'commander.optionMissingArgument':
      return 'An option has no value, or one that it does not take';
    case 'commander.help':
    case 'commander.unknownCommand':
      if (command !== program) return `The command ${name} has one verb, ${namesIn(command)}`;
      return error.code === 'commander.help'
        ? 'There is no command'
        : `There is no ${typedCommand(error)}. The commands are ${namesIn(program)}`;
    case 'commander.missingArgument':
    case 'commander.excessArguments':
      return `The command ${name} takes ${takenBy(command)}`;
    default:
      return 'The arguments are not understood';
  }
}

/** What a command takes besides options, in words. */
function takenBy(command: Command): string {
  const { registeredArguments } = command;
  if (registeredArguments.length === 0) return 'options alone';
  return registeredArguments.map(({ description }) => description).join(', and ');
}

function nameOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${nameOf(parent)} ${command.name()}`;
}

function namesIn(command: Command): string {
  const names = command.commands.map((one) => {
    const [verb] = one.commands;
    return verb === undefined ? one.name() : `${one.name()} ${verb.name()}`;
  });
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** What a name of ours could have been: what has other characters is no slip of the hand. */
const TYPED_COMMAND = /^error: unknown command '([a-z][a-z-]{0,19})'(?:\n|$)/i;
/** Without its value. */
const TYPED_OPTION = /^error: unknown option '(--[a-z][a-z-]{0,19}(?==|'\n|'$)|-[a-z](?='\n|'$))/i;
const NEAREST = /\((Did you mean .+\?)\)$/;

function typedCommand({ message }: CommanderError): string {
  const [, typed] = TYPED_COMMAND.exec(message) ?? [];
  return typed === undefined ? 'such command' : `command '${typed}'${nearest(message)}`;
}

function withoutOption(name: string, { message }: CommanderError): string {
  const [, typed] = TYPED_OPTION.exec(message) ?? [];
  return typed === undefined ? '' : `: ${name} has no option ${typed}${nearest(message)}`;
}

/** Names of ours alone. */
function nearest(message: string): string {
  const [, question] = NEAREST.exec(message) ?? [];
  return question === undefined ? '' : ` (${question.replace('Did', 'did')})`;
}
