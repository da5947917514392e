import { CacheError } from '../core/cache-error.js';
import type { ListedStorage } from '../storage/listed-storage.js';
import { chosenNamespaces } from './chosen-namespaces.js';
import type { CopyCommand } from './command-line.js';
import { CopyProgress, type ProgressStream } from './copy-progress.js';
import { inWords, leftOut, reportOf } from './copy-report.js';
import { printable } from './printable.js';
import { StorageCopy, type NamespaceCopy, type NamespacePlan } from './storage-copy.js';
import { StorageLocation } from './storage-location.js';
import { withClaim } from './target-claim.js';
import { refuseJournal, refuseRunning } from './unattended.js';

/**
 * Runs `copy`: results go to `stdout`, progress and warnings to `stderr`. Returns whether everything was copied. Rejects
 * with the error to print.
 */
export async function runCopy(
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
  const progress = new CopyProgress(stream);
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
