import type { Command } from 'commander';
import type { NamespaceFigures } from '../../storage/listed-storage.js';
import type { KnownInstance, StorageState } from '../../storage/storage-state.js';
import type { CommandIo } from '../command-io.js';
import { databaseOf, takesDatabase, type DatabaseOption } from '../database-option.js';
import { bytesInWords, timeInWords, timeOf } from '../figures.js';
import { formOf, JSON_OPTION, type Form, type FormOption } from '../form.js';
import { printable, printableJson } from '../printable.js';
import { reading } from '../reading.js';
import { NOTHING, RowPrinter, type Column } from '../row-printer.js';
import { StorageLocation } from '../storage-location.js';

/** Adds `stats`. */
export function addStats(program: Command, io: CommandIo): void {
  takesDatabase(program.command('stats'))
    .summary('show the figures of the whole cache')
    .description(
      'Shows how many rows and bytes there are, which processes work on the database, how long their logs are, which migrations were ' +
        'run, and what it takes on disk.',
    )
    .option(...JSON_OPTION)
    .action(async (options: DatabaseOption & FormOption) => {
      const address = databaseOf(options, io);
      // First: it would meet the connection of the storage.
      const isInUse = await (await StorageLocation.parse('database', address)).isInUse();
      await reading(address, async (storage) => {
        const figures = await storage.figures(Date.now());
        const state = known(await storage.state(), isInUse);
        const { identity } = storage;
        show({ place: storage.describe(), identity, figures, state }, formOf(options, io), io);
      });
    });
}

/** Of a SQLite file nobody can tell which of its instances live, unless nobody has it open. */
function known(state: StorageState, isInUse: boolean): StorageState {
  if (isInUse) return state;
  const instances = state.instances.map((one) =>
    one.state === 'unknown' ? { ...one, state: 'gone' as const } : one,
  );
  return { ...state, instances };
}

interface Stats {
  readonly place: string;
  readonly identity: string | undefined;
  readonly figures: readonly NamespaceFigures[];
  readonly state: StorageState;
}

interface Totals {
  readonly namespaces: number;
  readonly rows: number;
  readonly expired: number;
  readonly bytes: number;
}

function show(stats: Stats, form: Form, { stdout }: CommandIo): void {
  const print = (line: string): void => void stdout.write(`${line}\n`);
  if (form === 'json') {
    print(printableJson(objectOf(stats)));
    return;
  }
  if (form === 'table')
    for (const [name, text] of linesOf(stats)) print(`${`${name}:`.padEnd(WIDTH)}${printable(text)}`);
  else for (const [name, value] of fieldsOf(stats)) print(`${name}\t${printable(String(value))}`);
  if (stats.state.instances.length === 0) return;
  if (form === 'table') print('');
  new RowPrinter(form === 'table' ? INSTANCE_COLUMNS : [MARK, ...INSTANCE_COLUMNS], form, print).rows(
    stats.state.instances,
  );
}

/** Of the longest name, with its colon and a gap. */
const WIDTH = 13;

function* linesOf({ place, identity, figures, state }: Stats): Generator<[string, string]> {
  const { namespaces, rows, expired, bytes } = totalsOf(figures);
  const { migrations, log, unstamped, bytesOnDisk } = state;
  const pending = migrations.pending.length === 0 ? '' : `; to be run: ${migrations.pending.join(', ')}`;
  yield ['database', place];
  yield ['identity', identity ?? 'none'];
  yield ['namespaces', String(namespaces)];
  yield ['rows', String(rows)];
  yield ['expired', String(expired)];
  yield ['unstamped', String(unstamped)];
  yield ['values', bytesInWords(bytes)];
  yield ['on disk', bytesOnDisk === undefined ? 'unknown' : bytesInWords(bytesOnDisk)];
  yield ['log', log === undefined ? 'none' : `${log.notes} notes, ${bytesInWords(log.bytes)}`];
  yield [
    'migrations',
    `${migrations.done.length} of ${migrations.done.length + migrations.pending.length} run${pending}`,
  ];
}

/** The same for `cut` and its like: a value on a line. */
function* fieldsOf({ place, identity, figures, state }: Stats): Generator<[string, string | number]> {
  const { namespaces, rows, expired, bytes } = totalsOf(figures);
  const { migrations, log, unstamped, bytesOnDisk } = state;
  yield ['database', place];
  yield ['identity', identity ?? NOTHING];
  yield ['namespaces', namespaces];
  yield ['rows', rows];
  yield ['expired', expired];
  yield ['unstamped', unstamped];
  yield ['values', bytes];
  yield ['on disk', bytesOnDisk ?? NOTHING];
  yield ['log notes', log?.notes ?? NOTHING];
  yield ['log bytes', log?.bytes ?? NOTHING];
  yield ['migrations run', migrations.done.length];
  yield ['migrations to run', migrations.pending.length];
}

function totalsOf(figures: readonly NamespaceFigures[]): Totals {
  const sum = (of: (one: NamespaceFigures) => number): number =>
    figures.reduce((total, one) => total + of(one), 0);
  return {
    namespaces: figures.length,
    rows: sum(({ rows }) => rows),
    expired: sum(({ expired }) => expired),
    bytes: sum(({ bytes }) => bytes ?? 0),
  };
}

function objectOf({ place, identity, figures, state }: Stats): object {
  return {
    database: place,
    identity: identity ?? null,
    ...totalsOf(figures),
    unstamped: state.unstamped,
    bytesOnDisk: state.bytesOnDisk ?? null,
    log: state.log ?? null,
    migrations: state.migrations,
    instances: state.instances.map((one) => ({ ...one, since: timeOf(one.since) ?? null })),
  };
}

/** Tells the lines of instances from the others. */
const MARK: Column<KnownInstance> = { title: '', name: 'kind', value: () => 'instance' };

const INSTANCE_COLUMNS: readonly Column<KnownInstance>[] = [
  { title: 'INSTANCE', name: 'writer', value: ({ writer }) => writer },
  { title: 'PROCESS', name: 'about', value: ({ about }) => about, most: 40 },
  { title: 'MODE', name: 'mode', value: ({ mode }) => mode },
  { title: 'STATE', name: 'state', value: ({ state }) => state },
  {
    title: 'SINCE',
    name: 'since',
    value: ({ since }) => timeOf(since),
    shown: ({ since }) => timeInWords(since),
  },
  { title: 'BEAT', name: 'beat', value: ({ beat }) => beat, isRight: true },
  { title: 'HEAD', name: 'head', value: ({ head }) => head, isRight: true },
];
