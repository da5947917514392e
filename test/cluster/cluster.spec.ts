import { afterAll, describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.js';
import { campaign, type CampaignOptions } from './campaign.js';
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
};
const targets = await targetsIn(folder);
const chosen = targets.filter(({ database }) => DATABASES?.includes(database) ?? true);
const limit = { timeout: SECONDS * 1000 + 60_000 };

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
      expect(result.kills).toBeGreaterThan(0);
      expect(result.stops).toBeGreaterThan(0);
      expect(result.staleness.length).toBeGreaterThan(20);
    },
  );
});
