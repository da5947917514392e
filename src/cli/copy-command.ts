import { CacheError } from '../core/cache-error.js';
import type { ListedStorage } from '../core/storage-adapter.js';
import { InMemoryStorage } from '../storage/in-memory-storage.js';
import { RescueFile } from '../storage/rescue-file.js';
import type { CopyCommand } from './command-line.js';
import { CopyProgress, type ProgressStream } from './copy-progress.js';
import { namespacesToCopy, StorageCopy, type NamespaceCopy } from './storage-copy.js';
import { StorageLocation } from './storage-location.js';

/** Runs `copy`: results go to `stdout`, progress to `stderr`. Rejects with what is to be told. */
export async function runCopy(
  { from, to, namespaces, dryRun, force }: CopyCommand,
  stdout: ProgressStream,
  stderr: ProgressStream,
): Promise<void> {
  const print = (line: string): unknown => stdout.write(`${line}\n`);
  const source = (await StorageLocation.parse('from', from)).forReading();
  refuseJournal('from', source.rescuePath);
  const target = targetOf(await StorageLocation.parse('to', to), dryRun);
  refuseJournal('to', target.rescuePath);
  if (source.describe() === target.describe()) {
    throw new CacheError('INVALID_OPTION', `--from and --to are the same database: ${source.describe()}.`);
  }
  await withOpen(source, async () => {
    // Before the target is opened, which makes its table.
    const chosen = await namespacesToCopy(source, namespaces);
    await withOpen(target, async () => {
      print(`From: ${source.describe()}`);
      print(`To: ${dryRun && target instanceof InMemoryStorage ? `a new file, ${to}` : target.describe()}`);
      const copy = new StorageCopy(source, target, { namespaces: chosen, force, now: Date.now() });
      const plan = await copy.plan();
      if (dryRun) {
        for (const part of plan) print(`${part.namespace}: ${amounts(part, 'to copy')}`);
        print('Dry run: nothing was written.');
        return;
      }
      const copied = await copyAndVerify(copy, plan, stderr);
      for (const part of copied) print(`${part.namespace}: ${amounts(part, 'copied')}`);
      const isAll = copied.every(({ unreadable = 0 }) => unreadable === 0);
      print(`Both were read again: the target holds every ${isAll ? '' : 'other '}row of the source.`);
    });
  });
}

async function copyAndVerify(
  copy: StorageCopy,
  plan: readonly NamespaceCopy[],
  stream: ProgressStream,
): Promise<readonly NamespaceCopy[]> {
  const progress = new CopyProgress(stream);
  try {
    const copied = await copy.run(plan, progress.listener('copying'));
    await copy.verify(copied, progress.listener('checking'));
    return copied;
  } finally {
    progress.clear();
  }
}

/** What a dry run would have to make in order to look at it is empty. */
function targetOf(location: StorageLocation, dryRun: boolean): ListedStorage {
  if (!dryRun) return location.forWriting();
  return location.exists ? location.forReading() : new InMemoryStorage();
}

async function withOpen(storage: ListedStorage, task: () => Promise<void>): Promise<void> {
  await storage.open();
  try {
    await task();
  } finally {
    await storage.close();
  }
}

/**
 * Only a start of the application replays a journal: that of the source holds what is newer than its rows, and that of the
 * target would go over what was copied.
 */
function refuseJournal(option: 'from' | 'to', path: string | undefined): void {
  const [left] = path === undefined ? [] : new RescueFile(path).files();
  if (left === undefined) return;
  throw new CacheError(
    'INVALID_OPTION',
    `--${option} has a rescue journal that has not been replayed: ${left}. Start the application on it once, stop it, and ` +
      'copy then.',
    { option },
  );
}

function amounts({ rows, unchanged, unreadable = 0 }: NamespaceCopy, what: string): string {
  const there = unchanged === 0 ? '' : `, ${unchanged} there already`;
  const left = unreadable === 0 ? '' : `, ${unreadable} more left out: their keys are no text`;
  return `${rows - unchanged} of ${rows} rows ${what}${there}${left}`;
}
