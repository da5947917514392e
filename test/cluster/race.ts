import { join } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import { CacheModule, CacheService, defineNamespace, json, stringKey } from '../../src/index.js';
import { Child } from '../support/child-process.js';
import { startApp } from '../support/nest-app.js';
import type { Target } from './targets.js';

const RACER = join(import.meta.dirname, 'racer.mjs');

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
  const order = JSON.stringify({ storage, wire, redis, seconds, callers });
  const racers = Array.from({ length: processes }, () => new Child(process.execPath, [RACER, order]));
  try {
    await Promise.all(racers.map((racer) => racer.prints(/at the line/)));
    for (const racer of racers) racer.process.stdin.write('go\n');
    const reports = await Promise.all(
      racers.map(async (racer) => {
        const [, report = ''] = await racer.prints(/^result (.*)\n/m);
        return JSON.parse(report) as Report;
      }),
    );
    return { ...resultOf(reports), counted: await countedIn(storage) };
  } finally {
    for (const racer of racers) racer.kill('SIGKILL');
  }
}

function resultOf(reports: readonly Report[]): Omit<RaceResult, 'counted'> {
  const acknowledged = reports.map((report) => report.acknowledged);
  const waits = reports.flatMap((report) => report.waits).sort((a, b) => a - b);
  return {
    acknowledged,
    mostRuns: Math.max(...reports.map(({ mostRuns }) => mostRuns)),
    fairness: Math.min(...acknowledged) / Math.max(...acknowledged),
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
