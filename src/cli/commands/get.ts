import type { Command } from 'commander';
import { laidOut } from '../../core/values/json-layout.js';
import { CacheError } from '../../core/cache-error.js';
import type { ExactRow, ListedStorage } from '../../storage/listed-storage.js';
import type { CommandIo } from '../command-io.js';
import { databaseOf, takesDatabase, type DatabaseOption } from '../database-option.js';
import { errorLine } from '../error-line.js';
import { EXIT } from '../exit-code.js';
import { timeInWords, timeOf } from '../figures.js';
import { formOf, JSON_OPTION, type FormOption } from '../form.js';
import { printable, printableJson } from '../printable.js';
import { reading, unknownNamespaces } from '../reading.js';

/** Adds `get`. */
export function addGet(program: Command, io: CommandIo): void {
  takesDatabase(program.command('get'))
    .summary('print the value of a key')
    .description(
      'Prints the value of a key as it is stored; on a terminal JSON is indented, and characters that would do something there are ' +
        'escaped. A key is given as it is stored: 12:34 for the tuple [12, 34]. Exits with 4 where there is no such entry.',
    )
    .argument('<namespace>', 'the name of one namespace')
    .argument('<key>', 'one key')
    .option(...JSON_OPTION)
    .action((namespace: string, key: string, options: DatabaseOption & FormOption) =>
      reading(databaseOf(options, io), (storage) => printEntry(storage, { namespace, key }, options, io)),
    );
}

interface Place {
  readonly namespace: string;
  readonly key: string;
}

async function printEntry(
  storage: ListedStorage,
  place: Place,
  options: FormOption,
  io: CommandIo,
): Promise<void> {
  const { stdout, stderr, end } = io;
  const row = await rowAt(storage, place);
  if (row === undefined || (row.expiresAt !== null && row.expiresAt <= Date.now())) {
    const why = row === undefined ? 'has no such key' : `had this key until ${timeInWords(row.expiresAt)}`;
    const unknown = row === undefined ? await unknownNamespaces(storage, [place.namespace]) : undefined;
    const line =
      unknown === undefined ? printable(`Namespace '${place.namespace}' ${why}.`) : errorLine(unknown);
    stderr.write(`${line}\n`);
    // A namespace is there by its rows: one that has none lacks the key as any other does.
    end(EXIT.absent);
    return;
  }
  switch (formOf(options, io)) {
    case 'json':
      stdout.write(`${printableJson(objectOf(place.namespace, row))}\n`);
      break;
    case 'table':
      for (const line of (laidOut(row.value) ?? row.value).split('\n')) stdout.write(`${printable(line)}\n`);
      break;
    case 'plain':
      stdout.write(`${row.value}\n`);
  }
}

/** Rejects with `UNREADABLE_ENTRY` for a row that can't be read as it is. */
async function rowAt(storage: ListedStorage, { namespace, key }: Place): Promise<ExactRow | undefined> {
  const { rows, refused } = await storage.exact(namespace, [key]);
  const [unreadable] = refused;
  if (unreadable === undefined) return rows[0];
  throw new CacheError(
    'UNREADABLE_ENTRY',
    `Namespace '${namespace}': the row of the key can't be read: ${unreadable.reason}. Mend it in the database, or remove it with rm.`,
    { namespace, key },
  );
}

function objectOf(namespace: string, { key, value, expiresAt, writtenAt }: ExactRow): object {
  return {
    namespace,
    key,
    value,
    bytes: Buffer.byteLength(value),
    writtenAt: timeOf(writtenAt) ?? null,
    expiresAt: timeOf(expiresAt) ?? null,
  };
}
