import { resolve } from 'node:path';
import type { Command } from 'commander';
import { nextTurn, systemClock } from '../../core/clock.js';
import { counted } from '../../core/listed.js';
import type { RefusedRows } from '../../storage/listed-storage.js';
import type { TypeOrmStorage } from '../../storage/typeorm-storage.js';
import type { CommandIo } from '../command-io.js';
import { inWords } from '../copy-report.js';
import { databaseOf, gathered, takesDatabase, type DatabaseOption } from '../database-option.js';
import { EXIT } from '../exit-code.js';
import { endLine, headerLine, rowLine } from '../export/format.js';
import { FileSink, StreamSink, type Sink } from '../export/sink.js';
import { printable } from '../printable.js';
import { Progress, type ProgressListener } from '../progress.js';
import { assertNamespaces, reading } from '../reading.js';
import { Refusals } from '../refusals.js';
import { compareRows } from '../row-comparison.js';

interface ExportOptions extends DatabaseOption {
  readonly namespace?: readonly string[];
  readonly out?: string;
}

/** Adds `export`. */
export function addExport(program: Command, io: CommandIo): void {
  takesDatabase(program.command('export'))
    .summary('write everything into a file')
    .description(
      'Writes what the cache holds as lines of JSON: a header, one line for each row with its value, expiry and time of writing, and ' +
        'the number of rows. Rows come in the order of namespaces and keys; expired ones are left out. Applications may run beside ' +
        'it: what they write meanwhile may or may not be in it.',
    )
    .option('--namespace <name>', 'export this namespace only; may be given several times', gathered)
    .option('--out <file>', 'a new file, which nobody else may read; - for standard output, the default')
    .action((options: ExportOptions) =>
      reading(databaseOf(options, io), (storage) => exportRows(storage, options, io)),
    );
}

async function exportRows(storage: TypeOrmStorage, options: ExportOptions, io: CommandIo): Promise<void> {
  const { namespace: wanted } = options;
  if (wanted !== undefined) await assertNamespaces(storage, wanted);
  const all = await storage.namespaces();
  const namespaces = wanted === undefined ? all : all.filter((name) => wanted.includes(name));
  const signal = io.interruption();
  const refusals = new Refusals();
  if (wanted === undefined) for (const stray of await storage.strayRows()) refusals.add(stray);
  const { out = '-' } = options;
  const sink: Sink = out === '-' ? new StreamSink(io.stdout) : new FileSink(resolve(out));
  // A bar between the lines of the export would help nobody.
  const isShown = out !== '-' || io.stdout.isTTY !== true;
  const progress = new Progress(io.stderr);
  let rows: number | undefined;
  let isDone = false;
  try {
    const listener = isShown ? progress.listener('exporting') : () => undefined;
    rows = await exported(storage, { namespaces, sink, signal, refusals, listener });
    if (rows !== undefined) await sink.done();
    isDone = rows !== undefined;
  } finally {
    progress.clear();
    if (!isDone) sink.abandon();
  }
  const say = (line: string): unknown => io.stderr.write(`${printable(line)}\n`);
  if (rows === undefined && signal.aborted) {
    say('Interrupted: the export is incomplete.');
    io.end(EXIT.interrupted);
    return;
  }
  // Nobody reads it any more.
  if (rows === undefined) return;
  if (out !== '-') say(`${counted(rows, 'row')} exported.`);
  if (refusals.count === 0) return;
  say('Left out, or not exported as they are:');
  for (const refused of refusals.list()) say(inWords(refused));
  io.end(EXIT.incomplete);
}

interface Task {
  readonly namespaces: readonly string[];
  readonly sink: Sink;
  readonly signal: AbortSignal;
  readonly refusals: Refusals;
  readonly listener: ProgressListener;
}

/** Gives how many rows were written; `undefined` where it was interrupted, or nobody takes them any more. */
async function exported(
  storage: TypeOrmStorage,
  { namespaces, sink, signal, refusals, listener }: Task,
): Promise<number | undefined> {
  const now = Date.now();
  let rows = 0;
  if (!(await sink.write(headerLine(storage.identity)))) return undefined;
  for (const namespace of namespaces) {
    const expected = await storage.count(namespace, now);
    let done = 0;
    listener(namespace, 0, expected);
    for await (const part of compareRows(namespace, storage, undefined, now)) {
      for (const refused of part.refused) refusals.add(refused);
      for (const row of part.rows) if (row.writtenAt === 'unclear') refusals.add(untimed(row.key));
      const lines = part.rows.map((row) => rowLine(namespace, row));
      if (signal.aborted || !(await sink.write(lines.join('')))) return undefined;
      rows += part.rows.length;
      done += part.rows.length;
      listener(namespace, done, Math.max(done, expected));
      // A signal comes between two turns, which a driver that works on this thread does not make.
      await nextTurn(systemClock);
    }
  }
  return signal.aborted || !(await sink.write(endLine(rows))) ? undefined : rows;
}

function untimed(key: string): RefusedRows {
  return { reason: "exported without the time of writing, which can't be told", count: 1, keys: [key] };
}
