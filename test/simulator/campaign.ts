import fc from 'fast-check';
import { History } from './history.js';
import { plans } from './plans.js';
import { newTally, type Tally } from './tally.js';

export interface Campaign {
  readonly histories: number;
  /** Repeats a campaign; chance when left out. */
  readonly seed?: number | undefined;
  /** Repeats, with the seed, the one history in which something was found. */
  readonly path?: string | undefined;
  readonly onHistory?: ((done: number) => void) | undefined;
}

/** Lives through histories until a promise is broken; then rejects with the shortest history that breaks it. */
export async function runCampaign({ histories, seed, path, onHistory }: Campaign): Promise<Tally> {
  const tally = newTally();
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      await new History(plan, tally).run();
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
