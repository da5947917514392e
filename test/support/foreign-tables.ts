import type { DataSourceOptions } from 'typeorm';
import { expect } from 'vitest';
import { CacheError, CacheModule, CacheService } from '../../src/index.js';
import { namespaceOf, ON_CHANGE } from './definitions.js';
import { startApp } from './nest-app.js';

/** A table that somebody else made, and what the start makes of it. */
export interface ForeignTable {
  readonly name: string;
  readonly seed: readonly string[];
  /** What the refusal says, where the start has to refuse. */
  readonly refused?: RegExp;
  /** Whether the row `names`, `old` is there, and has to be there in the end. Default true. */
  readonly keepsOld?: boolean;
  /** Rows of `names` that have no key that is a text. Default none. */
  readonly unreadable?: number;
  /** Whether the cache runs the migrations. Default true. */
  readonly migrationsRun?: boolean;
}

/** For the titles of tests. */
export function named(tables: readonly ForeignTable[]): [string, ForeignTable][] {
  return tables.map((table) => [table.name, table]);
}

/** Keys that are easily taken for each other. */
const KEYS = [
  'alice',
  'Alice',
  'alice ',
  'é',
  'e\u0301',
  'e',
  '007',
  '7',
  '7.0',
  '😀',
  '😁',
  'k'.repeat(512),
];
const names = namespaceOf<string>(ON_CHANGE, { name: 'names' });
/** Takes different values for the same where it takes them for numbers or JSON. */
const texts = namespaceOf(ON_CHANGE, { name: 'Names' });

function start(storage: DataSourceOptions, migrationsRun: boolean): ReturnType<typeof startApp> {
  return startApp([
    CacheModule.forRoot({
      storage,
      migrationsRun,
      namespaces: [names, texts],
      chatNamespaces: false,
      rescueJournal: false,
      // An app that makes the table itself may not have made those that several instances need.
      ...(migrationsRun ? {} : { instances: 'one' }),
    }),
  ]);
}

/** Overwrites every key more than once, and finds the last acknowledged value of each after a restart. */
export async function expectKept(
  storage: DataSourceOptions,
  {
    keepsOld = true,
    migrationsRun = true,
    unreadable = 0,
  }: Pick<ForeignTable, 'keepsOld' | 'migrationsRun' | 'unreadable'>,
): Promise<void> {
  const app = await start(storage, migrationsRun);
  const cache = app.get(CacheService).namespace(names);
  if (keepsOld) expect(await cache.get('old')).toBe('kept');
  for (const key of KEYS) await cache.set(key, `${key} 0`);
  for (const version of [1, 2]) await Promise.all(KEYS.map((key) => cache.set(key, `${key} ${version}`)));
  await cache.delete('k'.repeat(512));
  const values = app.get(CacheService).namespace(texts);
  await values.setMany(KEYS.map((key, i) => [key, i === 0 ? { b: 1, a: 1.5 } : i]));
  await app.close();
  const again = await start(storage, migrationsRun);
  const after = again.get(CacheService).namespace(names);
  expect(again.get(CacheService).getStats()['names']).toMatchObject({ unreadable });
  expect(await after.getMany(KEYS)).toEqual(KEYS.map((key) => (key.length === 512 ? undefined : `${key} 2`)));
  if (keepsOld) expect(await after.get('old')).toBe('kept');
  const other = again.get(CacheService).namespace(texts);
  expect(JSON.stringify(await other.getMany(KEYS))).toBe(
    JSON.stringify(KEYS.map((_, i) => (i === 0 ? { b: 1, a: 1.5 } : i))),
  );
  await again.close();
}

/** What the start says when it refuses `storage`. */
export async function refusalOf(storage: DataSourceOptions, migrationsRun = true): Promise<string> {
  const outcome: unknown = await start(storage, migrationsRun).catch((error: unknown) => error);
  if (!(outcome instanceof CacheError)) throw new Error(`The start did not refuse: ${String(outcome)}`);
  expect(outcome).toMatchObject({ code: 'UNSUPPORTED_STORAGE', option: 'storage' });
  return outcome.message;
}

/** The statements in a refusal: each is a line of its own. */
export function remedyIn(message: string): string {
  const [, ...statements] = message.slice(message.indexOf('start again:')).split('\n');
  for (const statement of statements) expect(statement).toMatch(/^[A-Z][^;]*;$/);
  return statements.join('\n');
}

/** The start refuses the table and changes nothing; once its remedy has been run, it does what {@link expectKept} says. */
export async function expectMended(
  storage: DataSourceOptions,
  { name, refused, migrationsRun = true, ...rest }: ForeignTable,
  { run, dump }: { run: (sql: string) => Promise<void>; dump: () => Promise<unknown> },
): Promise<void> {
  const before = await dump();
  const message = await refusalOf(storage, migrationsRun);
  expect(message, name).toMatch(refused as RegExp);
  expect(await dump()).toEqual(before);
  await run(remedyIn(message));
  await expectKept(storage, { ...rest, migrationsRun });
}
