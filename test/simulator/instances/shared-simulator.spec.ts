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
});
