import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.js';
import { goalsOf, type Goal } from './goals.js';
import { bareRace, race, type RaceResult } from './race.js';
import { stalenessOf, type Staleness } from './staleness.js';
import { targetsIn } from './targets.js';

/** A glance among the tests; `npm run cluster` takes longer, and prints what each figure must reach. */
const isLong = Number(process.env['CLUSTER_SECONDS'] ?? 0) >= 20;
const SECONDS = isLong ? 10 : 1.5;
const DATABASES = process.env['CLUSTER_DATABASES']?.split(',');

const chosen = (await targetsIn(tempFolder())).filter(
  ({ database }) => DATABASES?.includes(database) ?? true,
);

describe('four processes with 64 callers each on one counter', () => {
  const goals: Record<string, Goal & { readonly target: string }> = {};
  const measured: ({ name: string; raced: RaceResult; bareRaced: RaceResult } & Staleness)[] = [];
  afterAll(() => {
    console.table(Object.values(goals), ['target', 'what', 'figure', 'must', 'isReached']);
    // Written by the bench's means, which are not TypeScript.
    if (process.env['CLUSTER_WRITE'] === '1')
      execFileSync(process.execPath, [
        join(import.meta.dirname, 'measures-docs.mjs'),
        JSON.stringify(measured),
      ]);
  });

  it.each(chosen)(
    'count every increment, run no updater more than twice, and see soon what another has written ($name)',
    { timeout: 3 * SECONDS * 1000 + 60_000 },
    async (target) => {
      const raced = await race(target, { processes: 4, callers: 64, seconds: SECONDS });
      const bareRaced = await bareRace(target, { processes: 4, seconds: SECONDS });
      const staleness = await stalenessOf(target, SECONDS);
      measured.push({ name: target.name, raced, bareRaced, ...staleness });
      for (const goal of goalsOf(target, raced, bareRaced, staleness))
        goals[`${target.name} ${goal.what}`] = { target: target.name, ...goal };
      expect(raced.counted).toBe(raced.acknowledged.reduce((sum, count) => sum + count, 0));
      expect(bareRaced.counted).toBe(bareRaced.acknowledged.reduce((sum, count) => sum + count, 0));
      expect(raced.mostRuns).toBeLessThanOrEqual(2);
      expect(Math.min(...raced.acknowledged)).toBeGreaterThan(0);
      expect(staleness.cache.p50).toBeLessThan(2000);
    },
  );
});
