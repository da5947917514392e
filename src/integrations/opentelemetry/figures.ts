import type { BackplaneStats, NamespaceStats } from '../../index.js';

/** A metric whose values are read from the cache's own figures when somebody collects them. */
export interface Figure<Stats> {
  readonly name: string;
  /** In UCUM. */
  readonly unit: string;
  readonly description: string;
  /** What can be added up, for good (`counter`) or for now (`upDownCounter`), or can't (`gauge`: see {@link combine}). */
  readonly kind: 'counter' | 'upDownCounter' | 'gauge';
  /** Whether it is an amount that a stop may leave behind; any other is 0 when the cache has stopped. */
  readonly isLeftBehind?: boolean;
  valueOf(stats: Stats): number;
}

type Row = readonly [name: string, unit: string, description: string];

/** What is measured of each namespace, with its name as the only attribute. */
export const NAMESPACE_FIGURES: readonly Figure<NamespaceStats>[] = [
  counter(['cache.hits', '{hit}', 'Keys that reads found in memory.'], 'hits'),
  counter(['cache.misses', '{miss}', 'Keys that reads did not find in memory.'], 'misses'),
  counter(['cache.sets', '{entry}', 'Entries set.'], 'sets'),
  counter(['cache.updates', '{call}', 'Calls of update, setIfAbsent, increment and touch.'], 'updates'),
  counter(['cache.deletes', '{key}', 'Keys deleted or taken, whether there was an entry or not.'], 'deletes'),
  counter(['cache.evictions', '{entry}', 'Entries that left memory to make room.'], 'evictions'),
  counter(['cache.loader.calls', '{call}', 'Loaders run by getOrLoad.'], 'loaderCalls'),
  counter(['cache.storage.reads', '{key}', 'Keys asked of the database.'], 'storageReads'),
  counter(['cache.storage.writes', '{entry}', 'Entries committed to the database.'], 'written'),
  counter(['cache.write.rejections', '{call}', 'Writes that rejected because of the database.'], 'rejected'),
  counter(['cache.write.failures', '{attempt}', 'Attempts to write that failed.'], 'writeFailures'),
  counter(['cache.write.retries', '{attempt}', 'Attempts to write made after one that failed.'], 'retries'),
  counter(
    ['cache.conflicts', '{entry}', 'Dirty entries whose row another process had written.'],
    'conflicts',
  ),
  counter(['cache.unreadable', '{row}', 'Rows met that do not decode.'], 'unreadable'),
  counter(['cache.unconfirmed', '{read}', 'Reads answered while the database was away.'], 'unconfirmed'),
  amount(['cache.entry.count', '{entry}', 'Entries in memory.'], 'size'),
  amount(['cache.entry.limit', '{entry}', 'Most entries in memory.'], 'maxSize'),
  amount(['cache.memory.usage', 'By', 'Encoded values in memory; 0 without maxBytes.'], 'bytes'),
  leftBehind(['cache.dirty.count', '{entry}', 'Entries that the database does not have yet.'], 'dirty'),
  leftBehind(['cache.dirty.usage', 'By', 'Encoded values among what is dirty.'], 'dirtyBytes'),
  {
    name: 'cache.dirty.age',
    unit: 's',
    description: 'How long the oldest dirty entry has been dirty; 0 where none is.',
    kind: 'gauge',
    valueOf: ({ oldestUnwrittenMs }) => oldestUnwrittenMs / 1000,
  },
  amount(['cache.waiting.count', '{call}', 'Writes that wait for room, or for the database.'], 'waiting'),
  amount(['cache.waiting.usage', 'By', 'Encoded values that they hold.'], 'waitingBytes'),
  leftBehind(
    ['cache.refused.count', '{entry}', 'Entries that the database refuses, kept in memory.'],
    'refused',
  ),
];

/** What is measured of the backplane of an application, without an attribute. */
export const BACKPLANE_FIGURES: readonly Figure<BackplaneStats>[] = [
  {
    name: 'cache.backplane.down',
    unit: '{instance}',
    description: 'Whether the backplane is down (1) or up (0).',
    kind: 'upDownCounter',
    valueOf: ({ isUp }) => (isUp ? 0 : 1),
  },
  counter(['cache.backplane.sent', '{message}', 'Messages sent.'], 'sent'),
  counter(['cache.backplane.received', '{message}', 'Messages of other instances received.'], 'received'),
  counter(['cache.backplane.lost', '{message}', 'Messages that could not be sent.'], 'lost'),
  counter(['cache.backplane.outages', '{outage}', 'How often the backplane went down.'], 'outages'),
];

/** Of two caches with a namespace of the same name. */
export function combine({ kind }: Pick<Figure<never>, 'kind'>, one: number, other: number): number {
  return kind === 'gauge' ? Math.max(one, other) : one + other;
}

type Numbers<Stats> = { [Name in keyof Stats]: Stats[Name] extends number ? Name : never }[keyof Stats];

function counter<Stats>(row: Row, of: Numbers<Stats>): Figure<Stats> {
  return figure('counter', row, of);
}

function amount<Stats>(row: Row, of: Numbers<Stats>): Figure<Stats> {
  return figure('upDownCounter', row, of);
}

function leftBehind<Stats>(row: Row, of: Numbers<Stats>): Figure<Stats> {
  return { ...amount(row, of), isLeftBehind: true };
}

function figure<Stats>(
  kind: Figure<Stats>['kind'],
  [name, unit, description]: Row,
  of: Numbers<Stats>,
): Figure<Stats> {
  return { name, unit, description, kind, valueOf: (stats) => stats[of] as number };
}
