import type { Command } from 'commander';
import { isEvery, keysFrom, type KeyRange } from '../core/keys/key-range.js';
import { counted } from '../core/listed.js';
import type { LoadCursor } from '../core/storage-adapter.js';
import type { ListedKey, ListedStorage } from '../storage/listed-storage.js';
import type { CommandIo } from './command-io.js';
import { inWords } from './copy-report.js';
import { EXIT } from './exit-code.js';
import { bytesInWords, timeInWords, timeOf } from './figures.js';
import { formOf, type Form, type FormOption } from './form.js';
import { printable } from './printable.js';
import { assertNamespaces } from './reading.js';
import { Refusals } from './refusals.js';
import { RowPrinter, type Column } from './row-printer.js';
import { UsageError } from './usage-error.js';
import { valuesOf } from './values.js';

/** Keys in memory at a time. */
const KEYS_PER_PAGE = 500;
const DEFAULT_LIMIT = 100;
/** Of a key, in columns. */
const MOST_OF_A_KEY = 60;

/** How a namespace is listed. */
export interface ListOptions extends FormOption {
  readonly prefix?: string;
  readonly after?: string;
  readonly reverse?: boolean;
  readonly limit?: string;
  readonly values?: boolean;
}

interface Listed extends ListedKey {
  readonly value?: string | undefined;
}

/** Adds the options of {@link listKeys}. */
export function listsKeys(command: Command): Command {
  return command
    .option('--prefix <text>', 'only keys that begin with this, as they are stored: 12: for tuples of 12')
    .option('--after <key>', 'only keys behind this one')
    .option('--reverse', 'the last key first')
    .option('--limit <number>', `how many at most; default ${DEFAULT_LIMIT}`)
    .option('--values', 'print the values, too');
}

/** Lists the keys of a namespace in the order of their bytes, a page at a time. Rejects with `UNKNOWN_NAMESPACE`. */
export async function listKeys(
  storage: ListedStorage,
  namespace: string,
  options: ListOptions,
  io: CommandIo,
): Promise<void> {
  const limit = limitOf(options.limit);
  const form = formOf(options, io);
  const printer = new RowPrinter(columnsOf(options), form, (line) => void io.stdout.write(`${line}\n`));
  const range = keysFrom(options.prefix ?? '');
  const refusals = new Refusals();
  let after: LoadCursor | undefined = options.after;
  let listed = 0;
  let hasMore = false;
  do {
    // One more than is wanted tells whether there is more.
    const most = Math.min(KEYS_PER_PAGE, limit - listed + 1);
    const page = await storage.keys(namespace, { ...pageOf(after, range, options), limit: most });
    for (const refused of page.refused) refusals.add(refused);
    const keys = page.keys.slice(0, limit - listed);
    hasMore = page.keys.length > keys.length;
    if (options.values === true) await printValues(storage, namespace, keys, printer, refusals);
    else printer.rows(keys);
    listed += keys.length;
    after = page.next;
  } while (after !== undefined && !hasMore);
  if (listed === 0 && refusals.count === 0) await assertNamespaces(storage, [namespace]);
  report({ listed, hasMore, form, refusals }, io);
}

function pageOf(
  after: LoadCursor | undefined,
  range: KeyRange,
  { reverse = false }: ListOptions,
): { after: LoadCursor | undefined; range?: KeyRange; reverse: boolean; now: number } {
  // Without a range a page tells of rows that have no text for a key.
  return { after, reverse, now: Date.now(), ...(isEvery(range) ? {} : { range }) };
}

async function printValues(
  storage: ListedStorage,
  namespace: string,
  keys: readonly ListedKey[],
  printer: RowPrinter<Listed>,
  refusals: Refusals,
): Promise<void> {
  for await (const { rows, refused } of valuesOf(storage, namespace, keys)) {
    for (const one of refused) refusals.add(one);
    printer.rows(rows);
  }
}

interface Outcome {
  readonly listed: number;
  readonly hasMore: boolean;
  readonly form: Form;
  readonly refusals: Refusals;
}

function report({ listed, hasMore, form, refusals }: Outcome, { stderr, end }: CommandIo): void {
  const say = (line: string): unknown => stderr.write(`${printable(line)}\n`);
  if (hasMore) say(`There are more than these ${listed}: raise --limit, or go on with --after the last key.`);
  else if (form === 'table') say(counted(listed, 'key'));
  if (refusals.count === 0) return;
  for (const refused of refusals.list()) say(inWords(refused));
  end(EXIT.incomplete);
}

function limitOf(given: string | undefined): number {
  if (given === undefined) return DEFAULT_LIMIT;
  const limit = /^\d+$/.test(given) ? Number(given) : 0;
  if (limit < 1 || !Number.isSafeInteger(limit))
    throw new UsageError('--limit must be a whole number above 0');
  return limit;
}

function columnsOf({ values = false }: ListOptions): Column<Listed>[] {
  const columns: Column<Listed>[] = [
    { title: 'KEY', name: 'key', value: ({ key }) => key, most: MOST_OF_A_KEY },
    {
      title: 'SIZE',
      name: 'bytes',
      value: ({ size }) => size,
      shown: ({ size }) => bytesInWords(size),
      isRight: true,
    },
    {
      title: 'WRITTEN',
      name: 'writtenAt',
      value: ({ writtenAt }) => timeOf(writtenAt),
      shown: ({ writtenAt }) => timeInWords(writtenAt),
    },
    {
      title: 'EXPIRES',
      name: 'expiresAt',
      value: ({ expiresAt }) => timeOf(expiresAt),
      shown: ({ expiresAt }) => (expiresAt === null ? 'never' : timeInWords(expiresAt)),
    },
  ];
  return values ? [...columns, { title: 'VALUE', name: 'value', value: ({ value }) => value }] : columns;
}
