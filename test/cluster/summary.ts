import type { CampaignResult } from './campaign.js';
import type { LifeHistory } from './history.js';

/** A row of the table of all campaigns. */
export type Summary = Readonly<Record<string, number | string>>;

export function summaryOf(result: CampaignResult): Summary {
  const { lives, happened, failedStarts, lost, stale, staleness } = result;
  const operations = lives.reduce((sum, { views, counts }) => sum + views.length + counts.length, 0);
  const writes = lives.reduce((sum, { appends, counts }) => sum + appends.length + counts.length, 0);
  const rejected = new Map<string, number>();
  for (const life of lives)
    for (const [what, count] of life.rejected) rejected.set(what, (rejected.get(what) ?? 0) + count);
  const at = (share: number): string =>
    (staleness[Math.min(staleness.length - 1, Math.floor(staleness.length * share))] ?? 0).toFixed(1);
  return {
    operations,
    writes,
    kills: happened.kill,
    stops: happened.stop,
    cuts: happened.cut,
    slow: happened.slow,
    swallowed: happened.swallow,
    restarts: happened.restart,
    'failed starts': failedStarts,
    lost,
    stale,
    'stale p50, ms': at(0.5),
    'p99, ms': at(0.99),
    'max, ms': at(1),
    'worst wait, ms': Math.max(0, ...lives.map(worstWaitOf)).toFixed(0),
    fairness: fairnessOf(lives).toFixed(2),
    'most runs': lives.reduce(
      (most, { appends }) => appends.reduce((m, { runs }) => Math.max(m, runs), most),
      0,
    ),
    rejected: [...rejected].map(([what, count]) => `${count} ${what}`).join(', ') || 'none',
  };
}

/** The longest time an append took in a process that went on meanwhile, ms. */
function worstWaitOf({ appends, stops }: LifeHistory): number {
  return appends
    .filter(({ from, to }) => !stops.some((stop) => from <= stop.to && to >= stop.from))
    .reduce((worst, { from, to }) => Math.max(worst, to - from), 0);
}

/** Acknowledged writes for each second at work: of the worker that had the fewest, as a share of the one that had the most. */
function fairnessOf(lives: readonly LifeHistory[]): number {
  const workers = new Map<number, { writes: number; ms: number }>();
  for (const { worker, appends, counts, workedMs } of lives) {
    const sum = workers.get(worker) ?? { writes: 0, ms: 0 };
    workers.set(worker, { writes: sum.writes + appends.length + counts.length, ms: sum.ms + workedMs });
  }
  const rates = [...workers.values()].map(({ writes, ms }) => writes / Math.max(1, ms));
  return Math.min(...rates) / Math.max(...rates);
}
