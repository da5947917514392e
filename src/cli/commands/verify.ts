import type { Command } from 'commander';
import { nextTurn, systemClock } from '../../core/clock.js';
import { counted } from '../../core/listed.js';
import { CachePersistenceLevel } from '../../core/definition/persistence-level.js';
import type { NamespaceDefinition } from '../../core/definition/namespace-definition.js';
import type { RefusedRows } from '../../storage/listed-storage.js';
import type { TypeOrmStorage } from '../../storage/typeorm-storage.js';
import type { CommandIo } from '../command-io.js';
import { inWords } from '../copy-report.js';
import { databaseOf, takesDatabase, type DatabaseOption } from '../database-option.js';
import { importDefinitions } from '../definitions-module.js';
import { EXIT } from '../exit-code.js';
import { formOf, JSON_OPTION, type FormOption } from '../form.js';
import { printable, printableJson } from '../printable.js';
import { Progress, type ProgressListener } from '../progress.js';
import { reading } from '../reading.js';
import { Refusals } from '../refusals.js';
import { RowCheck } from '../row-check.js';
import { compareRows } from '../row-comparison.js';
import { UsageError } from '../usage-error.js';

interface VerifyOptions extends DatabaseOption, FormOption {
  readonly module?: string;
}

/** Adds `verify`. */
export function addVerify(program: Command, io: CommandIo): void {
  takesDatabase(program.command('verify'))
    .summary('check that every row decodes')
    .description(
      'Reads every row and decodes key and value with the definitions that a module of the application exports, as a start of it would. ' +
        'Rows that do not decode are counted and named by their keys; values are never printed. Nothing is changed. Exits with 3 ' +
        'where a row does not decode. Namespaces that nobody declares are named.',
    )
    .option(
      '--module <file>',
      'a module that exports definitions (what defineNamespace returns), alone or in arrays',
    )
    .option(...JSON_OPTION)
    .action(async (options: VerifyOptions) => {
      const address = databaseOf(options, io);
      if (!options.module) throw new UsageError('--module is missing');
      const definitions = await importDefinitions(options.module);
      await reading(address, (storage) => verify(storage, definitions, options, io));
    });
}

/** What was found of one namespace. */
interface Verdict {
  readonly namespace: string;
  readonly rows: number;
  readonly bad: readonly RefusedRows[];
  /** Why its rows were not decoded; `undefined` where they were. */
  readonly unchecked: 'undeclared' | 'memory only' | undefined;
}

async function verify(
  storage: TypeOrmStorage,
  definitions: ReadonlyMap<string, NamespaceDefinition>,
  options: FormOption,
  io: CommandIo,
): Promise<void> {
  const signal = io.interruption();
  const progress = new Progress(io.stderr);
  const verdicts: Verdict[] = [];
  try {
    const listener = progress.listener('decoding');
    for (const namespace of await storage.namespaces()) {
      const definition = definitions.get(namespace);
      if (signal.aborted) break;
      verdicts.push(
        definition === undefined || definition.persistence === CachePersistenceLevel.MEMORY_ONLY
          ? await unchecked(storage, namespace, definition)
          : await verdictOn(storage, definition, signal, listener),
      );
    }
  } finally {
    progress.clear();
  }
  const isJson = formOf(options, io) === 'json';
  for (const verdict of verdicts) {
    const lines = isJson ? [printableJson(objectOf(verdict))] : linesOf(verdict);
    for (const line of lines) io.stdout.write(`${printable(line)}\n`);
  }
  if (signal.aborted) {
    io.stderr.write('Interrupted: not every row was read.\n');
    io.end(EXIT.interrupted);
  } else if (verdicts.some(({ bad }) => bad.length > 0)) io.end(EXIT.incomplete);
}

async function verdictOn(
  storage: TypeOrmStorage,
  definition: NamespaceDefinition,
  signal: AbortSignal,
  listener: ProgressListener,
): Promise<Verdict> {
  const { name } = definition;
  const now = Date.now();
  const check = new RowCheck(definition);
  const bad = new Refusals();
  const expected = await storage.count(name, now);
  let rows = 0;
  listener(name, 0, expected);
  for await (const part of compareRows(name, storage, undefined, now)) {
    for (const refused of part.refused) bad.add(refused);
    for (const row of part.rows) {
      const reason = check.faultOf(row);
      if (reason !== undefined) bad.add({ reason, count: 1, keys: [row.key] });
    }
    rows += part.rows.length + part.refused.reduce((sum, { count }) => sum + count, 0);
    listener(name, rows, Math.max(rows, expected));
    // A signal comes between two turns, which a driver that works on this thread does not make.
    await nextTurn(systemClock);
    if (signal.aborted) break;
  }
  return { namespace: name, rows, bad: bad.list(), unchecked: undefined };
}

async function unchecked(
  storage: TypeOrmStorage,
  namespace: string,
  definition: NamespaceDefinition | undefined,
): Promise<Verdict> {
  return {
    namespace,
    rows: await storage.count(namespace, Date.now()),
    bad: [],
    unchecked: definition === undefined ? 'undeclared' : 'memory only',
  };
}

function linesOf({ namespace, rows, bad, unchecked: why }: Verdict): string[] {
  const all = counted(rows, 'row');
  if (why === 'undeclared')
    return [`${namespace}: ${all}, which nobody declares: no definition of the module has this name`];
  if (why === 'memory only') return [`${namespace}: ${all}, which nobody reads: it is declared MEMORY_ONLY`];
  const count = bad.reduce((sum, one) => sum + one.count, 0);
  const verdict = count === 0 ? 'all decode' : `${count} can't be read`;
  return [`${namespace}: ${all}, ${verdict}`, ...bad.map(inWords)];
}

function objectOf({ namespace, rows, bad, unchecked: why }: Verdict): object {
  return {
    namespace,
    rows,
    isDeclared: why !== 'undeclared',
    isChecked: why === undefined,
    bad: bad.map(({ reason, count, keys }) => ({ reason, rows: count, keys })),
  };
}
