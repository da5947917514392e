import { Command } from 'commander';
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
import { reasonOf } from './not-understood.js';
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
