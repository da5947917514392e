import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { History, newTally } from './history.js';
import { plans } from './plan.js';

/** Some hundreds among the tests; `npm run simulate -- --seeds N` for a campaign. */
const SEEDS = Number(process.env['SIMULATE_SEEDS'] ?? 300);
const SEED = process.env['SIMULATE_SEED'];

describe('simulated histories', () => {
  it(
    `of the real engine keep every promise (${SEEDS} of them)`,
    { timeout: 30_000 + SEEDS * 50 },
    async () => {
      const tally = newTally();
      const startedAt = performance.now();
      await fc.assert(
        fc.asyncProperty(plans, async (plan) => {
          await new History(plan, tally).run();
          if (tally.histories % 5000 === 0) {
            const seconds = (performance.now() - startedAt) / 1000;
            console.log(
              `${tally.histories} of ${SEEDS} histories, ${Math.round(tally.histories / seconds)} a second`,
            );
          }
        }),
        { numRuns: SEEDS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) },
      );
      console.log(JSON.stringify(tally));
      expect(tally.histories).toBeGreaterThanOrEqual(SEEDS);
    },
  );

  it('repeat themselves to the last choice when their seed is the same', async () => {
    for (const plan of fc.sample(plans, 50)) {
      const first = await new History(plan, newTally()).run();
      expect(await new History(plan, newTally()).run()).toBe(first);
    }
  });
});
