import { afterAll, describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.js';
import { campaign, type CampaignOptions } from './campaign.js';
import type { LifeHistory } from './history.js';
import { summaryOf, type Summary } from './summary.js';
import { targetsIn } from './targets.js';

/** A few among the tests; `npm run cluster` makes it a minute for each database and wire. */
const SECONDS = Number(process.env['CLUSTER_SECONDS'] ?? 2.5);
const DATABASES = process.env['CLUSTER_DATABASES']?.split(',');
const isLong = SECONDS >= 20;
/** After two minutes without a sign the others take a worker for dead. */
const DEAD_MS = 130_000;
const longStopMs = SECONDS * 1000 > DEAD_MS + 20_000 ? DEAD_MS : 0;

const folder = tempFolder();
const options: CampaignOptions = {
  folder,
  seconds: SECONDS,
  workers: isLong ? 4 : 3,
  maxStaleMs: isLong ? 2000 : 500,
  pauseMs: 2,
  faultEveryMs: isLong ? 1500 : 500,
  longStopMs,
  hasOwnServers: isLong,
};
const targets = await targetsIn(folder);
const chosen = targets.filter(({ database }) => DATABASES?.includes(database) ?? true);
/** Servers of the campaign's own take a while to start, and what happens at its end a while to be over. */
const limit = { timeout: SECONDS * 1000 + (isLong ? 120_000 : 60_000) };

describe('processes on one database, killed, suspended and cut off', () => {
  const table: Record<string, Summary> = {};
  afterAll(() => console.table(table));

  it.each(chosen)(
    'lose no acknowledged write, never go back, and show nothing older than the bound ($name)',
    limit,
    async (target) => {
      const result = await campaign(target, options);
      table[target.name] = summaryOf(result);
      expect(result.faults.slice(0, 10)).toEqual([]);
      expect(result.lost).toBe(0);
      expect(result.happened.kill).toBeGreaterThan(0);
      expect(result.happened.stop).toBeGreaterThan(0);
      expect(result.staleness.length).toBeGreaterThan(20);
      // Who was taken for dead goes on with what it was at.
      if (longStopMs > 0) expect(result.lives.some(hasReturned)).toBe(true);
    },
  );
});

function hasReturned({ stops, appends }: LifeHistory): boolean {
  const stop = stops.find(({ from, to }) => to - from >= DEAD_MS);
  return stop !== undefined && appends.some(({ from }) => from > stop.to);
}
