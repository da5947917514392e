import fc from 'fast-check';
import type { Campaign } from '../campaign.js';
import { SharedHistory } from './shared-history.js';
import { sharedPlans } from './shared-plans.js';
import { newSharedTally, type SharedTally } from './shared-tally.js';

/** Lives through histories of several processes until a promise is broken; then rejects with the shortest that breaks it. */
export async function runCampaign({ histories, seed, path, onHistory }: Campaign): Promise<SharedTally> {
  const tally = newSharedTally();
  await fc.assert(
    fc.asyncProperty(sharedPlans, async (plan) => {
      await new SharedHistory(plan, tally).run();
      onHistory?.(tally.histories);
    }),
    {
      numRuns: histories,
      ...(seed === undefined ? {} : { seed }),
      ...(path === undefined ? {} : { path, endOnFailure: true }),
    },
  );
  return tally;
}
