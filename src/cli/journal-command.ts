import { resolve } from 'node:path';
import { CacheError, isCacheError } from '../core/cache-error.js';
import { codeOf } from '../core/driver-code.js';
import { listed } from '../core/listed.js';
import { readJournal, type JournalContent } from '../storage/journal/content.js';
import { RescueFile } from '../storage/rescue-file.js';
import type { JournalCommand } from './command-line.js';
import { journalReport } from './journal-report.js';
import { printable } from './printable.js';

/** Runs `journal show`. Returns whether the file is whole. Throws the error to print. */
export function runJournal(
  { file, values }: JournalCommand,
  stdout: { write(text: string): unknown },
): boolean {
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
