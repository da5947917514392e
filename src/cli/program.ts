import { Command, type CommanderError } from 'commander';
import type { CommandIo } from './command-io.js';
import { addCopy } from './commands/copy.js';
import { addExport } from './commands/export.js';
import { addGet } from './commands/get.js';
import { addImport } from './commands/import.js';
import { addJournal } from './commands/journal-show.js';
import { addLs } from './commands/ls.js';
import { addRm } from './commands/rm.js';
import { addScan } from './commands/scan.js';
import { addStats } from './commands/stats.js';
import { addVerify } from './commands/verify.js';
import { ABOUT } from './help.js';
import { UsageError } from './usage-error.js';

/** Reads the command line, and runs what it asks for. Rejects with a {@link UsageError}, or with the error of the command. */
export async function runProgram(args: readonly string[], version: string, io: CommandIo): Promise<void> {
  const program = new Command('nestjs-durable-cache');
  program
    .description('Looks into the database of a cache, and changes, carries over and checks what it holds.')
    .version(version, '--version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    // What it is told of an error has the arguments in it, which may be an address with a password.
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: () => undefined })
    .addHelpText('after', ABOUT);
  for (const add of [addLs, addGet, addScan, addRm, addStats, addExport, addImport, addCopy, addVerify])
    add(program, io);
  addJournal(program, io);
  explain(program, program);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof Shown)) throw error;
  }
}

/** Help or a version was shown: there is nothing more to do. */
class Shown extends Error {}

/** Has `command`, and those below it, say in the words of this package what they don't understand. */
function explain(command: Command, program: Command): void {
  command.exitOverride((error) => {
    if (error.exitCode === 0) throw new Shown();
    throw new UsageError(reasonOf(error, command, program));
  });
  for (const one of command.commands) explain(one, program);
}

/** Without what was given: it may be an address with a password in it. */
function reasonOf(error: CommanderError, command: Command, program: Command): string {
  const name = nameOf(command);
  switch (error.code) {
    case 'commander.unknownOption': {
      const [, option = ''] = /'(--[a-z-]+)/.exec(error.message) ?? [];
      const isKnown = allOf(program).some((one) => one.options.some(({ long }) => long === option));
      const which = isKnown ? `: ${name} has no option ${option}` : '';
      return `There is an unknown option${which}`;
    }
    case 'commander.optionMissingArgument':
      return 'An option has no value, or one that it does not take';
    case 'commander.help':
    case 'commander.unknownCommand':
      if (command !== program) return `The command ${name} has one verb, ${namesIn(command)}`;
      return error.code === 'commander.help'
        ? 'There is no command'
        : `There is no such command. The commands are ${namesIn(program)}`;
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

function allOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allOf)];
}
