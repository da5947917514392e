import type { RaceResult } from './race.js';
import type { Staleness } from './staleness.js';
import type { Target } from './targets.js';

/** A figure, what it must reach, and whether it does. */
export interface Goal {
  readonly what: string;
  readonly figure: string;
  readonly must: string;
  readonly isReached: boolean;
}

/** What the processes that race for one counter must reach, and how soon the others see what one has written. */
export function goalsOf(
  target: Target,
  race: RaceResult,
  bareRace: RaceResult,
  staleness: Staleness,
): Goal[] {
  const isFile = target.database.includes('sqlite');
  const least = isFile ? 0.5 : 0.7;
  const total = race.acknowledged.reduce((sum, count) => sum + count, 0);
  const { cache, bare } = staleness;
  // A commit that the disk takes long for is in both. A file has no queue: most find it free at once, and the median says nothing.
  const bareWorst = isFile ? bareRace.worstMs : (race.medianMs / bareRace.medianMs) * bareRace.worstMs;
  const within = (what: string, figure: number, most: number): Goal => ({
    what,
    figure: `${figure.toFixed(1)} ms`,
    must: `≤ ${most.toFixed(1)} ms`,
    isReached: figure <= most,
  });
  return [
    {
      what: 'increments counted',
      figure: `${race.counted} of ${total}`,
      must: 'all',
      isReached: race.counted === total,
    },
    {
      what: 'most runs of an updater',
      figure: `${race.mostRuns}`,
      must: '≤ 2',
      isReached: race.mostRuns <= 2,
    },
    {
      what: 'fewest / most of a process',
      figure: race.fairness.toFixed(2),
      must: `≥ ${least}`,
      isReached: race.fairness >= least,
    },
    within(
      'worst wait, against 5 × the median, or what bare transactions have',
      race.worstMs,
      Math.max(5 * race.medianMs, bareWorst),
    ),
    ...(bare === undefined
      ? []
      : [within('staleness p50, against 2 × the bare hop', cache.p50, 2 * bare.p50)]),
  ];
}
