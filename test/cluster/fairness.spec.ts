import { describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.js';
import { campaign } from './campaign.js';
import { fairnessOf, summaryOf } from './summary.js';
import { targetsIn } from './targets.js';

const SECONDS = 5;
/** What else the machine is busy with tells in it, too. */
const TRIES = 3;
/** Who starves writes next to nothing. `npm run cluster` says how fair it is: half of that is the scheduler's doing on a few busy cores. */
const STARVED = 0.25;
const folder = tempFolder();
const files = (await targetsIn(folder)).filter(({ database }) => database.includes('sqlite'));

describe('processes that write to one file without pause', () => {
  it.each(files)('none of them starves ($name)', { timeout: 120_000 }, async (target) => {
    let fairness = 0;
    for (let tries = 0; tries < TRIES && fairness < STARVED; tries += 1) {
      const result = await campaign(target, {
        folder,
        seconds: SECONDS,
        workers: 4,
        maxStaleMs: 500,
        pauseMs: 0,
        faultEveryMs: false,
        longStopMs: 0,
      });
      console.log(target.name, summaryOf(result));
      expect(result.faults.slice(0, 10)).toEqual([]);
      fairness = fairnessOf(result.lives);
    }
    expect(fairness).toBeGreaterThanOrEqual(STARVED);
  });
});
