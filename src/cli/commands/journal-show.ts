import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CacheError, isCacheError } from '../../core/cache-error.js';
import { codeOf } from '../../core/driver-code.js';
import { listed } from '../../core/listed.js';
import type { RescuedWrite } from '../../core/rescue/rescue-journal.js';
import { readCutOff, readJournal, type JournalContent } from '../../storage/journal/content.js';
import { RescueFile } from '../../storage/rescue-file.js';
import type { CommandIo } from '../command-io.js';
import { EXIT } from '../exit-code.js';
import type { FormOption } from '../form.js';
import { amountOf, damageOf, journalObject, journalReport } from '../journal-report.js';
import { printable, printableJson } from '../printable.js';

/** Adds `journal show`. */
export function addJournal(program: Command, io: CommandIo): void {
  program
    .command('journal')
    .summary('look into files of a rescue journal')
    .description('Looks into files of a rescue journal.')
    .command('show')
    .summary('print what a file of a rescue journal holds')
    .description(
      'Prints what a file of a rescue journal holds: its version, database and process, how many writes each namespace has, and ' +
        'each write. Of a damaged file it prints what can be read yet, too, and exits with 1. It changes nothing.',
    )
    .argument('<file>', 'the name of one file')
    .option('--values', 'print the values, too')
    .option('--json', 'print the writes alone, an object a line')
    .action((file: string, options: ShowOptions) => {
      if (!showJournal(file, options, io)) io.end(EXIT.failed);
    });
}

interface ShowOptions extends FormOption {
  readonly values?: boolean;
}

/** Returns whether the file is whole. Throws the error to print. */
function showJournal(
  file: string,
  { values = false, json = false }: ShowOptions,
  { stdout, stderr }: CommandIo,
): boolean {
  const path = resolve(file);
  const content = read(path);
  const { writes, damagedLine } = content;
  const cutOff = damagedLine === undefined ? undefined : readCutOff(path, damagedLine);
  if (!json) {
    for (const line of journalReport(path, content, cutOff, { values })) stdout.write(`${printable(line)}\n`);
    return cutOff === undefined;
  }
  const print = (write: RescuedWrite, isCutOff: boolean): unknown =>
    stdout.write(`${printableJson(journalObject(write, isCutOff, { values }))}\n`);
  for (const write of writes) print(write, false);
  for (const write of cutOff?.writes ?? []) print(write, true);
  if (damagedLine === undefined || cutOff === undefined) return true;
  stderr.write(`${damageOf(damagedLine)}\n${amountOf(cutOff)}\n`);
  return false;
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
