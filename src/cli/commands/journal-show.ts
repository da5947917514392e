import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CacheError, isCacheError } from '../../core/cache-error.js';
import { codeOf } from '../../core/driver-code.js';
import { listed } from '../../core/listed.js';
import { readJournal, type JournalContent } from '../../storage/journal/content.js';
import { RescueFile } from '../../storage/rescue-file.js';
import type { CommandIo } from '../command-io.js';
import { EXIT } from '../exit-code.js';
import { journalReport } from '../journal-report.js';
import { printable } from '../printable.js';

/** Adds `journal show`. */
export function addJournal(program: Command, { stdout, end }: CommandIo): void {
  program
    .command('journal')
    .summary('look into files of a rescue journal')
    .description('Looks into files of a rescue journal.')
    .command('show')
    .summary('print what a file of a rescue journal holds')
    .description(
      'Prints what a file of a rescue journal holds: its version, database and process, how many writes each namespace has, and ' +
        'each write. It changes nothing.',
    )
    .argument('<file>', 'the name of one file')
    .option('--values', 'print the values, too')
    .action((file: string, { values = false }: { readonly values?: boolean }) => {
      if (!showJournal(file, values, stdout)) end(EXIT.failed);
    });
}

/** Returns whether the file is whole. Throws the error to print. */
function showJournal(file: string, values: boolean, stdout: { write(text: string): unknown }): boolean {
  const path = resolve(file);
  const content = read(path);
  for (const line of journalReport(path, content, { values })) stdout.write(`${printable(line)}\n`);
  return content.damagedLine === undefined;
}

function read(path: string): JournalContent {
  try {
    return readJournal(path);
  } catch (error) {
    if (isCacheError(error)) throw error;
    const code = codeOf(error) ?? String(error);
    throw new CacheError(
      'INVALID_OPTION',
      code === 'ENOENT' ? missing(path) : `${path} can't be read (${code}).`,
    );
  }
}

/** Where it is the place of a journal, with the files there. */
function missing(path: string): string {
  const files = new RescueFile(path).files();
  if (files.length === 0) return `There is no file ${path}. Check the path.`;
  return `There is no file ${path}. Name one of those that begin with it: ${listed(files)}.`;
}
