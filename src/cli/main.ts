#!/usr/bin/env node
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isCacheError } from '../core/cache-error.js';
import { parseCommandLine, type Command } from './command-line.js';
import { runCopy } from './copy-command.js';
import { HELP } from './help.js';
import { runJournal } from './journal-command.js';
import { outliveReaders } from './output.js';
import { printable } from './printable.js';

const EXIT_FAILED = 1;
const EXIT_NOT_UNDERSTOOD = 2;
const EXIT_INCOMPLETE = 3;

async function main(): Promise<void> {
  let command: Command;
  try {
    command = parseCommandLine(process.argv.slice(2));
  } catch (error) {
    fail(error, EXIT_NOT_UNDERSTOOD);
    return;
  }
  switch (command.name) {
    case 'help':
      process.stdout.write(HELP);
      return;
    case 'version':
      process.stdout.write(`${version()}\n`);
      return;
    case 'copy':
      await runCopy(command, process.stdout, process.stderr).then(
        (isWhole) => {
          if (!isWhole) process.exitCode ??= EXIT_INCOMPLETE;
        },
        (error: unknown) => fail(error, EXIT_FAILED),
      );
      return;
    case 'journal':
      try {
        if (!runJournal(command, process.stdout)) process.exitCode ??= EXIT_FAILED;
      } catch (error) {
        fail(error, EXIT_FAILED);
      }
  }
}

/** No stack, and no cause: an error of a driver may hold the address it was given. */
function fail(error: unknown, exitCode: number): void {
  const message = error instanceof Error ? error.message : String(error);
  const code = isCacheError(error) ? `${error.code}: ` : '';
  process.stderr.write(`${code}${printable(message)}\n`);
  process.exitCode = exitCode;
}

/** Of the package's own package.json, whether it is run from its sources' build or as installed. */
function version(): string {
  const text = readFileSync(join(__dirname, '../../../package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

outliveReaders(process, (error) => fail(error, EXIT_FAILED));
void main();
