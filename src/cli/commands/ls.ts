import type { Command } from 'commander';
import type { ListedStorage, NamespaceFigures } from '../../storage/listed-storage.js';
import type { CommandIo } from '../command-io.js';
import { inWords } from '../copy-report.js';
import { databaseOf, takesDatabase, type DatabaseOption } from '../database-option.js';
import { EXIT } from '../exit-code.js';
import { bytesInWords, timeInWords, timeOf } from '../figures.js';
import { formOf, JSON_OPTION, type FormOption } from '../form.js';
import { listKeys, listsKeys, type ListOptions } from '../key-list.js';
import { printable } from '../printable.js';
import { reading } from '../reading.js';
import { RowPrinter, type Column } from '../row-printer.js';

/** Adds `ls`. */
export function addLs(program: Command, io: CommandIo): void {
  listsKeys(takesDatabase(program.command('ls')))
    .summary('list the namespaces, or the keys of one')
    .description(
      'Lists the namespaces that have rows, with how many there are, how many of these have expired, the bytes of their values, ' +
        'and when the first and the last of them were written. With the name of a namespace it lists its keys, as scan does.',
    )
    .argument('[namespace]', 'the name of one namespace, or none')
    .option(...JSON_OPTION)
    .action((namespace: string | undefined, options: DatabaseOption & ListOptions) =>
      reading(databaseOf(options, io), (storage) =>
        namespace === undefined
          ? listNamespaces(storage, options, io)
          : listKeys(storage, namespace, options, io),
      ),
    );
}

async function listNamespaces(storage: ListedStorage, options: FormOption, io: CommandIo): Promise<void> {
  const { stdout, stderr, end } = io;
  const printer = new RowPrinter(COLUMNS, formOf(options, io), (line) => void stdout.write(`${line}\n`));
  printer.rows(await storage.figures(Date.now()));
  const stray = await storage.strayRows();
  for (const rows of stray) stderr.write(`${printable(`in no namespace:${inWords(rows)}`)}\n`);
  if (stray.length > 0) end(EXIT.incomplete);
}

const COLUMNS: readonly Column<NamespaceFigures>[] = [
  { title: 'NAMESPACE', name: 'namespace', value: ({ namespace }) => namespace },
  { title: 'ROWS', name: 'rows', value: ({ rows }) => rows, isRight: true },
  { title: 'EXPIRED', name: 'expired', value: ({ expired }) => expired, isRight: true },
  {
    title: 'SIZE',
    name: 'bytes',
    value: ({ bytes }) => bytes,
    shown: ({ bytes }) => (bytes === undefined ? '-' : bytesInWords(bytes)),
    isRight: true,
  },
  {
    title: 'OLDEST',
    name: 'oldest',
    value: ({ oldest }) => timeOf(oldest),
    shown: ({ oldest }) => timeInWords(oldest),
  },
  {
    title: 'NEWEST',
    name: 'newest',
    value: ({ newest }) => timeOf(newest),
    shown: ({ newest }) => timeInWords(newest),
  },
];
