import type { Command } from 'commander';
import { keysFrom } from '../../core/keys/key-range.js';
import { counted } from '../../core/listed.js';
import type { ListedStorage } from '../../storage/listed-storage.js';
import { chunksOf } from '../../storage/sql/row-order.js';
import type { CommandIo } from '../command-io.js';
import { isConfirmed } from '../confirmation.js';
import { databaseOf, takesDatabase, type DatabaseOption } from '../database-option.js';
import { errorLine } from '../error-line.js';
import { EXIT } from '../exit-code.js';
import { warnOfRefusal } from '../in-the-way.js';
import { InstanceWriter } from '../instance-writer.js';
import { printable } from '../printable.js';
import { assertNamespaces, reading, unknownNamespaces } from '../reading.js';
import { StorageLocation } from '../storage-location.js';
import { UsageError } from '../usage-error.js';
import { warnOfJournal } from '../unattended.js';

/** Keys that are removed in one transaction. */
const KEYS_PER_COMMIT = 500;

interface RmOptions extends DatabaseOption {
  readonly prefix?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

interface Removal {
  readonly namespace: string;
  readonly keys: readonly string[];
  readonly options: RmOptions;
}

/** Adds `rm`. */
export function addRm(program: Command, io: CommandIo): void {
  takesDatabase(program.command('rm'))
    .summary('remove entries')
    .description(
      'Removes keys of a namespace, or all that begin with a prefix (an empty one is everything, expired rows included). Running ' +
        'applications that share the database see it at once, or at their next look.',
    )
    .argument('<namespace>', 'the name of one namespace')
    .argument('[keys...]', 'keys')
    .option('--prefix <text>', 'remove the keys that begin with this, as they are stored; asks before')
    .option('--yes', 'remove without a question')
    .option('--dry-run', 'say what would be removed, and remove nothing')
    .action(async (namespace: string, keys: readonly string[], options: RmOptions) => {
      const address = databaseOf(options, io);
      const removal = { namespace, keys, options };
      if (options.prefix === undefined) await removeKeys(address, removal, io);
      else await removePrefix(address, options.prefix, removal, io);
      if (options.dryRun === true)
        await warnOfRefusal(await StorageLocation.parse('database', address), 'rm', io);
    });
}

async function removeKeys(
  address: string,
  { namespace, keys, options }: Removal,
  io: CommandIo,
): Promise<void> {
  if (keys.length === 0) throw new UsageError('rm takes keys, or --prefix');
  const all = [...new Set(keys)];
  // Before it joins the instances: a database without the table stays as it is.
  const before = await reading(address, async (storage) => ({
    there: await present(storage, namespace, all),
    unknown: await unknownNamespaces(storage, [namespace]),
  }));
  const { unknown } = before;
  let { there } = before;
  if (options.dryRun !== true)
    there = await asInstance(address, io, async (writer) => {
      const removed: string[] = [];
      for (const part of chunksOf(all, KEYS_PER_COMMIT))
        removed.push(...(await writer.remove(namespace, part)));
      return removed;
    });
  report(namespace, there.length, options, io);
  const removed = new Set(there);
  const absent = all.filter((key) => !removed.has(key));
  if (unknown !== undefined && removed.size === 0) io.stderr.write(`${errorLine(unknown)}\n`);
  else
    for (const key of absent)
      io.stderr.write(`${printable(`Namespace '${namespace}' has no key '${key}'.`)}\n`);
  if (absent.length > 0) io.end(EXIT.absent);
}

async function removePrefix(address: string, prefix: string, removal: Removal, io: CommandIo): Promise<void> {
  const { namespace, keys, options } = removal;
  if (keys.length > 0) throw new UsageError('rm takes keys or --prefix, not both');
  let count = await reading(address, async (storage) => {
    await assertNamespaces(storage, [namespace]);
    return storage.count(namespace, Date.now(), keysFrom(prefix));
  });
  if (options.dryRun !== true) {
    const which = prefix === '' ? 'everything' : `what begins with '${prefix}'`;
    const question = `Remove ${which} from namespace '${namespace}' (${counted(count, 'entry', 'entries')})?`;
    if (options.yes !== true && !(await isConfirmed(question, io))) {
      io.stderr.write('Nothing was removed.\n');
      io.end(EXIT.failed);
      return;
    }
    const removed = await asInstance(address, io, (writer) => writer.removePrefix(namespace, prefix));
    count = removed ?? count;
  }
  report(namespace, count, options, io);
}

async function asInstance<T>(
  address: string,
  { stderr }: CommandIo,
  task: (writer: InstanceWriter) => Promise<T>,
): Promise<T> {
  const location = await StorageLocation.parse('database', address);
  return InstanceWriter.run(location, 'rm', stderr, async (writer) => {
    warnOfJournal(writer.rows, stderr);
    return task(writer);
  });
}

/** Those of `keys` that have rows. */
async function present(
  storage: ListedStorage,
  namespace: string,
  keys: readonly string[],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const part of chunksOf(keys, KEYS_PER_COMMIT))
    found.push(...(await storage.sizes(namespace, part)).map(({ key }) => key));
  return found;
}

function report(namespace: string, count: number, { dryRun }: RmOptions, { stdout }: CommandIo): void {
  const what = dryRun === true ? 'to remove' : 'removed';
  stdout.write(`${printable(`${namespace}: ${counted(count, 'entry', 'entries')} ${what}`)}\n`);
  if (dryRun === true) stdout.write('Dry run: nothing was removed.\n');
}
