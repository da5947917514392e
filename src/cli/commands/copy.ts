import type { Command } from 'commander';
import { CacheError } from '../../core/cache-error.js';
import type { ListedStorage } from '../../storage/listed-storage.js';
import { chosenNamespaces } from '../chosen-namespaces.js';
import type { CommandIo } from '../command-io.js';
import { inWords, leftOut, reportOf } from '../copy-report.js';
import { gathered } from '../database-option.js';
import { EXIT } from '../exit-code.js';
import { printable } from '../printable.js';
import { Progress, type ProgressStream } from '../progress.js';
import { StorageCopy, type NamespaceCopy, type NamespacePlan } from '../storage-copy.js';
import { StorageLocation } from '../storage-location.js';
import { withClaim } from '../target-claim.js';
import { refuseInstances, refuseJournal, refuseRunning } from '../unattended.js';
import { UsageError } from '../usage-error.js';

interface CopyOptions {
  readonly from: string;
  readonly to: string;
  /** `undefined` for all there are. */
  readonly namespace?: readonly string[];
  readonly dryRun?: boolean;
  readonly force?: boolean;
  /** Where rescue journals of the applications may be, besides the places where they are by default. */
  readonly journal?: readonly string[];
  readonly ignoreRunning?: boolean;
}

/** What is asked for, every option with its default. */
interface CopyCommand {
  readonly from: string;
  readonly to: string;
  readonly namespaces: readonly string[] | undefined;
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly journals: readonly string[];
  readonly ignoreRunning: boolean;
}

/** Adds `copy`. */
export function addCopy(program: Command, { stdout, stderr, end }: CommandIo): void {
  program
    .command('copy')
    .summary('carry everything over into another database')
    .description(
      'Copies what the caches of an application hold from one database into another, with expiry and times of writing. Stop the ' +
        'applications that use them first. The source is only read. Rows that have expired are left out.',
    )
    .option('--from <database>', 'where to read')
    .option('--to <database>', 'where to write; the table is made where it is missing')
    .option('--namespace <name>', 'copy this namespace only; may be given several times', gathered)
    .option('--dry-run', 'say what would be copied, and write nothing')
    .option(
      '--force',
      'overwrite rows of the target that differ; without it, a namespace in which the target has rows that the source does not ' +
        'have is refused. Nothing is ever removed',
    )
    .option(
      '--journal <file>',
      'where an application keeps its rescue journal, if that is not beside the SQLite file or under data/ of this folder; may ' +
        'be given several times. The copy is refused while there is one',
      gathered,
    )
    .option('--ignore-running', 'copy even if an application is connected to one of the databases')
    .addHelpText(
      'after',
      '\nA copy that was interrupted is finished by running it again. Afterwards both sides are read and compared.\n' +
        "Rows that can't be stored on the other side as they are, such as bytes that are no text, are left out, counted and named.",
    )
    .action(async (options: Partial<CopyOptions>) => {
      if (!(await runCopy(commandOf(options), stdout, stderr))) end(EXIT.incomplete);
    });
}

function commandOf({ from, to, namespace, journal = [], ...flags }: Partial<CopyOptions>): CopyCommand {
  if (!from) throw new UsageError('--from is missing');
  if (!to) throw new UsageError('--to is missing');
  const { dryRun = false, force = false, ignoreRunning = false } = flags;
  return { from, to, namespaces: namespace, dryRun, force, journals: journal, ignoreRunning };
}

/**
 * Results go to `stdout`, progress and warnings to `stderr`. Returns whether everything was copied. Rejects with the error to
 * print.
 */
async function runCopy(
  command: CopyCommand,
  stdout: ProgressStream,
  stderr: ProgressStream,
): Promise<boolean> {
  const print = (line: string): unknown => stdout.write(`${printable(line)}\n`);
  const from = await StorageLocation.parse('from', command.from);
  const to = await StorageLocation.parse('to', command.to);
  const source = from.forReading();
  const target = targetOf(to, command.dryRun);
  refuseJournal('from', source.rescuePath, source.earlierRescuePath);
  const { rescuePath, earlierRescuePath } = to.forWriting();
  refuseJournal('to', rescuePath, earlierRescuePath);
  for (const path of command.journals) refuseJournal('journal', path);
  const warnings = [source, target].flatMap((storage) => storage?.warnings ?? []);
  warnings.push(...(await warningsOf(from, to, command)));
  for (const warning of warnings) stderr.write(`${printable(warning)}\n`);
  return withOpen(source, async () => {
    const warning = command.ignoreRunning ? undefined : await refuseInstances(source, command);
    if (warning !== undefined) stderr.write(`${printable(warning)}\n`);
    // Before the target is opened, which makes its table.
    const namespaces = await chosenNamespaces(source, command.namespaces);
    const claims = command.dryRun || command.ignoreRunning ? undefined : target;
    return withOpen(target, () =>
      withClaim(claims, stderr, async (claim) => {
        print(`From: ${shown(from, source)}`);
        print(`To: ${target === undefined ? `a new file, ${command.to}` : shown(to, target)}`);
        const options = { namespaces, force: command.force, now: Date.now() };
        const copy = new StorageCopy(source, target, options, () => claim?.admit());
        const copies = await copied(copy, await copy.plan(), command.dryRun, stderr);
        const stray = command.namespaces === undefined ? await source.strayRows() : [];
        for (const line of reportOf(copies, command.dryRun ? 'to copy' : 'copied')) print(line);
        if (stray.length > 0) print('in no namespace:');
        for (const rows of stray) print(inWords(rows));
        const incomplete = leftOut(copies, stray);
        const isWhole = incomplete === undefined;
        if (command.dryRun) print('Dry run: nothing was written.');
        else
          print(`Both were read again: the target holds every ${isWhole ? '' : 'other '}row of the source.`);
        if (!isWhole) print(incomplete);
        return isWhole;
      }),
    );
  });
}

async function copied(
  copy: StorageCopy,
  plan: readonly NamespacePlan[],
  dryRun: boolean,
  stream: ProgressStream,
): Promise<readonly NamespaceCopy[]> {
  const progress = new Progress(stream);
  try {
    const copies = await copy.run(plan, progress.listener(dryRun ? 'reading' : 'copying'), { dryRun });
    if (!dryRun) await copy.verify(copies, progress.listener('checking'));
    return copies;
  } finally {
    progress.clear();
  }
}

/** Rejects where both sides are one place, or an application uses one of them. Returns the warnings. */
async function warningsOf(
  from: StorageLocation,
  to: StorageLocation,
  command: CopyCommand,
): Promise<readonly string[]> {
  const source = await from.place();
  const target = await to.place();
  if (source !== undefined && source.identity === target?.identity) {
    throw new CacheError(
      'INVALID_OPTION',
      '--from and --to are the same database, and the same table in it.',
    );
  }
  if (command.ignoreRunning) return [];
  const warnings = [refuseRunning('from', source, command), refuseRunning('to', target, command)];
  return warnings.filter((line) => line !== undefined);
}

/** `undefined` for what a dry run would have to make in order to look at it. */
function targetOf(location: StorageLocation, dryRun: boolean): ListedStorage | undefined {
  if (!dryRun) return location.forWriting();
  return location.exists ? location.forReading() : undefined;
}

function shown({ schema }: StorageLocation, storage: ListedStorage): string {
  return schema === undefined ? storage.describe() : `${storage.describe()}, schema ${schema}`;
}

async function withOpen<T>(storage: ListedStorage | undefined, task: () => Promise<T>): Promise<T> {
  await storage?.open();
  try {
    return await task();
  } finally {
    await storage?.close();
  }
}
