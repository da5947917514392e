import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import type { Command } from 'commander';
import { CacheError, isCacheError } from '../../core/cache-error.js';
import { nextTurn, systemClock } from '../../core/clock.js';
import { codeOf } from '../../core/driver-code.js';
import { counted } from '../../core/listed.js';
import type { CommandIo } from '../command-io.js';
import { inWords } from '../copy-report.js';
import { databaseOf, gathered, takesDatabase, type DatabaseOption } from '../database-option.js';
import { EXIT } from '../exit-code.js';
import { batchesOf } from '../export/batches.js';
import { rowsOf, type ReadRow } from '../export/reader.js';
import { RowImport, type ImportCounts } from '../export/row-import.js';
import { formOf, JSON_OPTION, type FormOption } from '../form.js';
import { warnOfRefusal } from '../in-the-way.js';
import { InstanceWriter } from '../instance-writer.js';
import { printable, printableJson } from '../printable.js';
import { Progress } from '../progress.js';
import { StorageLocation } from '../storage-location.js';
import { warnOfJournal } from '../unattended.js';
import { UsageError } from '../usage-error.js';

interface ImportOptions extends DatabaseOption, FormOption {
  readonly namespace?: readonly string[];
  readonly dryRun?: boolean;
  readonly ifAbsent?: boolean;
  readonly overwrite?: boolean;
}

/** Adds `import`. */
export function addImport(program: Command, io: CommandIo): void {
  takesDatabase(program.command('import'))
    .summary('put the rows of an export into the cache')
    .description(
      'Puts the rows of a file that export has written into the cache, with their expiry and times of writing, batch by batch. ' +
        'Running applications that share the database see them at once, or at their next look. A damaged file is refused before ' +
        'anything is written; what comes by standard input is checked as it comes. Rows that are there as they are, are left alone: ' +
        'an import that was interrupted is finished by running it again.',
    )
    .argument('<file>', 'the name of one file, or - for standard input')
    .option('--namespace <name>', 'import this namespace only; may be given several times', gathered)
    .option('--dry-run', 'say what would be imported, and write nothing')
    .option(
      '--if-absent',
      'leave other rows of the same keys alone; without it they stay, too, and count as a failure',
    )
    .option('--overwrite', 'overwrite other rows of the same keys')
    .option(...JSON_OPTION)
    .action(async (file: string, options: ImportOptions) => {
      if (options.ifAbsent === true && options.overwrite === true)
        throw new UsageError('import takes --if-absent or --overwrite, not both');
      await importFile(file, databaseOf(options, io), options, io);
    });
}

async function importFile(
  file: string,
  address: string,
  options: ImportOptions,
  io: CommandIo,
): Promise<void> {
  const signal = io.interruption();
  const location = await StorageLocation.parse('database', address);
  const progress = new Progress(io.stderr);
  const isFile = file !== '-';
  try {
    const total = isFile ? await checked(file, progress, signal) : undefined;
    if (signal.aborted) return interrupted(undefined, options, io);
    const task = { file, options, progress, signal, total };
    const counts =
      options.dryRun === true
        ? await tried(location, task, io)
        : await InstanceWriter.run(location, 'import', io.stderr, (writer) => {
            warnOfJournal(writer.rows, io.stderr);
            return imported(new RowImport(writer.rows, writer, onOther(options), Date.now()), task, io);
          });
    progress.clear();
    if (signal.aborted) return interrupted(counts, options, io);
    report(counts, options, io);
    if (options.dryRun === true) await warnOfRefusal(location, 'import', io);
  } finally {
    progress.clear();
  }
}

interface Task {
  readonly file: string;
  readonly options: ImportOptions;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Rows of the file; `undefined` where nobody has counted them. */
  readonly total: number | undefined;
}

/** Reads all of a file, and gives how many rows there are. Throws where it is damaged. */
async function checked(file: string, progress: Progress, signal: AbortSignal): Promise<number> {
  let rows = 0;
  for await (const _row of fileRows(file)) {
    rows += 1;
    if (signal.aborted) break;
  }
  progress.clear();
  return rows;
}

async function tried(location: StorageLocation, task: Task, io: CommandIo): Promise<ImportCounts> {
  const { options } = task;
  const storage = location.exists ? location.forReading() : undefined;
  await storage?.open();
  try {
    const hasTable = storage !== undefined && (await storage.hasTable());
    return await imported(
      new RowImport(hasTable ? storage : undefined, undefined, onOther(options), Date.now()),
      task,
      io,
    );
  } finally {
    await storage?.close();
  }
}

/** Imports batch by batch, until all is done or the signal is aborted. */
async function imported(rowImport: RowImport, task: Task, io: CommandIo): Promise<ImportCounts> {
  const { file, options, progress, signal, total } = task;
  const { counts } = rowImport;
  const listener = progress.listener(options.dryRun === true ? 'reading' : 'importing');
  // Whoever waits for input that does not come waits for nothing any more.
  const source = file === '-' ? rowsOf(addAbortSignal(signal, io.stdin as Readable)) : fileRows(file);
  try {
    for await (const batch of batchesOf(chosen(source, options.namespace))) {
      await rowImport.take(batch);
      listener(batch[0]?.namespace ?? '', counts.rows, Math.max(counts.rows, total ?? 0));
      // A signal comes between two turns, which a driver that works on this thread does not make.
      await nextTurn(systemClock);
      if (signal.aborted) break;
    }
  } catch (error) {
    if (signal.aborted && isCutOff(error)) return counts;
    if (!isCacheError(error, 'EXPORT_NOT_UNDERSTOOD') || options.dryRun === true) throw error;
    throw new CacheError(
      'EXPORT_NOT_UNDERSTOOD',
      `${error.message} ${counted(counts.written, 'row')} before it ${counts.written === 1 ? 'was' : 'were'} imported.`,
    );
  }
  return counts;
}

/** Whether the input has ended by the interruption: its own, or that of the process which sends it. */
function isCutOff(error: unknown): boolean {
  return (
    isCacheError(error, 'EXPORT_NOT_UNDERSTOOD') || (error instanceof Error && error.name === 'AbortError')
  );
}

async function* fileRows(file: string): AsyncGenerator<ReadRow> {
  try {
    yield* rowsOf(createReadStream(resolve(file)));
  } catch (error) {
    if (isCacheError(error))
      throw new CacheError(error.code, `${resolve(file)} can't be imported. ${error.message}`);
    throw new CacheError(
      'INVALID_OPTION',
      `${resolve(file)} can't be read (${codeOf(error) ?? String(error)}).`,
    );
  }
}

async function* chosen(
  rows: AsyncIterable<ReadRow>,
  namespaces: readonly string[] | undefined,
): AsyncGenerator<ReadRow> {
  for await (const row of rows) if (namespaces === undefined || namespaces.includes(row.namespace)) yield row;
}

function onOther({ overwrite }: ImportOptions): 'keep' | 'overwrite' {
  return overwrite === true ? 'overwrite' : 'keep';
}

function interrupted(counts: ImportCounts | undefined, options: ImportOptions, io: CommandIo): void {
  const { written = 0 } = counts ?? {};
  io.stderr.write(
    `Interrupted: ${counted(options.dryRun === true ? 0 : written, 'row')} imported. Run the command again to go on.\n`,
  );
  io.end(EXIT.interrupted);
}

function report(counts: ImportCounts, options: ImportOptions, io: CommandIo): void {
  const { rows, written, overwritten, unchanged, kept, expired, refused } = counts;
  const isDry = options.dryRun === true;
  if (formOf(options, io) === 'json') {
    const figures = {
      rows,
      written,
      overwritten,
      unchanged,
      kept,
      expired,
      refused: refused.count,
      dryRun: isDry,
    };
    io.stdout.write(`${printableJson(figures)}\n`);
  } else {
    const parts = [
      `${written} of ${counted(rows, 'row')} ${isDry ? 'to import' : 'imported'}`,
      ...(overwritten > 0 ? [`${overwritten} of them over others`] : []),
      ...(unchanged > 0 ? [`${unchanged} there already`] : []),
      ...(kept > 0 ? [`${kept} left alone, where there are others`] : []),
      ...(expired > 0 ? [`${expired} expired`] : []),
      ...(refused.count > 0 ? [`${refused.count} refused`] : []),
    ];
    io.stdout.write(`${parts.join(', ')}\n`);
    if (isDry) io.stdout.write('Dry run: nothing was written.\n');
  }
  for (const one of refused.list()) io.stderr.write(`${printable(inWords(one))}\n`);
  if (kept > 0 && options.ifAbsent !== true)
    io.stderr.write(
      'Add --overwrite to put the rows of the file in the place of others, or --if-absent to leave those alone.\n',
    );
  if (refused.count > 0 || (kept > 0 && options.ifAbsent !== true)) io.end(EXIT.incomplete);
}
