import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runCampaign } from './shared-campaign.js';
import { SharedHistory } from './shared-history.js';
import type { SharedPlan } from './shared-plan.js';
import { sharedPlans } from './shared-plans.js';
import { newSharedTally } from './shared-tally.js';

/** A taste of `npm run simulate -- --instances`: the same each time, and others. */
const SAME = 60;
const OTHERS = 20;

/** A process sleeps while it stores what it has loaded, for so long that others may have removed it meanwhile, and then removes it. */
const LOADED_BEFORE_SLEEP: SharedPlan = {
  seed: 0,
  processes: 2,
  maxEntries: 1,
  maxStaleMs: 150,
  staleWhileDownMs: 0,
  pollMs: 50,
  tellsOfChanges: false,
  hasMessages: false,
  steps: [
    { do: 'call', who: 3, what: { call: 'look', where: 'entries', key: 'bc', how: 'or load' } },
    { do: 'suspend', who: 0, ms: 130_000, how: 'stopped' },
    { do: 'pass', steps: 6 },
    { do: 'suspend', who: 3, ms: 70_000, how: 'asleep' },
    { do: 'pass', steps: 10 },
    { do: 'call', who: 3, what: { call: 'delete', key: 'bc' } },
  ],
};

/** A hash of every choice made, or what broke a promise. */
function endOf(plan: SharedPlan): Promise<number | string> {
  return new SharedHistory(plan, newSharedTally()).run().catch((error: unknown) => String(error));
}

describe('simulated histories of several processes', () => {
  it('of the real engine keep every promise', { timeout: 120_000 }, async () => {
    const tally = await runCampaign({ histories: SAME, seed: 1 });
    expect(tally.histories).toBe(SAME);
    for (const [what, count] of Object.entries(tally)) expect(count, what).toBeGreaterThan(0);
    await runCampaign({ histories: OTHERS });
  });

  it('repeat themselves to the last choice when their seed is the same', { timeout: 60_000 }, async () => {
    for (const plan of fc.sample(sharedPlans, 5)) {
      const first = await endOf(plan);
      expect(await endOf(plan)).toBe(first);
    }
  });

  it('may take back in one commit with a removal what was loaded before a sleep', async () => {
    await expect(new SharedHistory(LOADED_BEFORE_SLEEP, newSharedTally()).run()).resolves.toEqual(
      expect.any(Number),
    );
  });
});
