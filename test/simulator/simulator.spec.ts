import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runCampaign } from './campaign.js';
import { History } from './history.js';
import type { Plan } from './plan.js';
import { plans } from './plans.js';
import { newTally } from './tally.js';

/** A taste of `npm run simulate`. */
const HISTORIES = 500;

/** A hash of every choice made, or what broke a promise. */
function endOf(plan: Plan): Promise<number | string> {
  return new History(plan, newTally()).run().catch((error: unknown) => String(error));
}

describe('simulated histories', () => {
  it('of the real engine keep every promise', { timeout: 60_000 }, async () => {
    const tally = await runCampaign({ histories: HISTORIES });
    expect(tally.histories).toBe(HISTORIES);
    for (const [what, count] of Object.entries(tally)) expect(count, what).toBeGreaterThan(0);
  });

  it('repeat themselves to the last choice when their seed is the same', async () => {
    for (const plan of fc.sample(plans, 50)) {
      const first = await endOf(plan);
      expect(await endOf(plan)).toBe(first);
    }
  });
});
