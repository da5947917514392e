import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { CacheModule, CacheService, defineNamespace, json, stringKey } from '../../src/index.js';
import { Child } from '../support/child-process.js';
import { startApp } from '../support/nest-app.js';
import type { Target } from './targets.js';

const RACER = join(import.meta.dirname, 'racer.mjs');
const BARE_RACER = join(import.meta.dirname, 'bare-racer.mjs');

export interface RaceOptions {
  readonly processes: number;
  /** In each process: each calls again as soon as it is acknowledged. */
  readonly callers: number;
  /** After a second in which each gets going. */
  readonly seconds: number;
}

/** What became of several processes that counted in one row without pause. */
export interface RaceResult {
  /** What each process was acknowledged. */
  readonly acknowledged: readonly number[];
  /** What the row says in the end. */
  readonly counted: number;
  /** Of one updater. */
  readonly mostRuns: number;
  /** Of the process that was acknowledged the fewest, as a share of the one that was the most. */
  readonly fairness: number;
  readonly perSecond: number;
  /** From a call to its acknowledgement, ms. */
  readonly medianMs: number;
  readonly worstMs: number;
}

interface Report {
  readonly acknowledged: number;
  /** Of the calls that were made when it had got going. */
  readonly waits: readonly number[];
  readonly mostRuns: number;
}

/** Lets processes count in one row of a new database for a while. */
export async function race(target: Target, options: RaceOptions): Promise<RaceResult> {
  const { processes, callers, seconds } = options;
  const storage = await target.storage();
  const { wire, redis } = target;
  const reports = await reportsOf(processes, RACER, { storage, wire, redis, seconds, callers });
  return { ...resultOf(reports, seconds), counted: await countedIn(storage) };
}

/** The same of what the database does by itself: each process holds the row in a transaction, again and again. */
export async function bareRace(target: Target, options: Omit<RaceOptions, 'callers'>): Promise<RaceResult> {
  const { processes, seconds } = options;
  const storage = await target.storage();
  const database = await new DataSource(storage).initialize();
  try {
    // As the cache has its files: else a reader holds up a commit.
    if (!('url' in storage)) await database.query('PRAGMA journal_mode = WAL');
    await database.query('CREATE TABLE bare_counter (id INTEGER PRIMARY KEY, n INTEGER)');
    await database.query('INSERT INTO bare_counter VALUES (1, 0)');
    const reports = await reportsOf(processes, BARE_RACER, { storage, seconds });
    const [row] = await database.query<{ n: number }[]>('SELECT n FROM bare_counter');
    return { ...resultOf(reports, seconds), counted: row?.n ?? 0 };
  } finally {
    await database.destroy();
  }
}

async function reportsOf(processes: number, file: string, order: object): Promise<readonly Report[]> {
  const racers = Array.from(
    { length: processes },
    () => new Child(process.execPath, [file, JSON.stringify(order)]),
  );
  try {
    await Promise.all(racers.map((racer) => racer.prints(/at the line/)));
    for (const racer of racers) racer.process.stdin.write('go\n');
    return await Promise.all(
      racers.map(async (racer) => {
        const [, report = ''] = await racer.prints(/^result (.*)\n/m);
        return JSON.parse(report) as Report;
      }),
    );
  } finally {
    for (const racer of racers) racer.kill('SIGKILL');
  }
}

function resultOf(reports: readonly Report[], seconds: number): Omit<RaceResult, 'counted'> {
  const acknowledged = reports.map((report) => report.acknowledged);
  const waits = reports.flatMap((report) => report.waits).sort((a, b) => a - b);
  return {
    acknowledged,
    mostRuns: Math.max(...reports.map(({ mostRuns }) => mostRuns)),
    fairness: Math.min(...acknowledged) / Math.max(...acknowledged),
    perSecond: waits.length / seconds,
    medianMs: waits[Math.floor(waits.length / 2)] ?? 0,
    worstMs: waits.at(-1) ?? 0,
  };
}

async function countedIn(storage: DataSourceOptions): Promise<number> {
  const counters = defineNamespace({ name: 'counters', key: stringKey(), value: json<number>() });
  const app = await startApp([
    CacheModule.forRoot({ storage, instances: 'many', backplane: false, namespaces: [counters] }),
  ]);
  const counted = await app.get(CacheService).namespace(counters).refresh('counter');
  await app.close();
  return counted ?? 0;
}
