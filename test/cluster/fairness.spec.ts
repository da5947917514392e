import { describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.js';
import { campaign } from './campaign.js';
import { fairnessOf, summaryOf } from './summary.js';
import { targetsIn } from './targets.js';

const SECONDS = 5;
const folder = tempFolder();
const files = (await targetsIn(folder)).filter(({ database }) => database.includes('sqlite'));

// Fewest to most writes. What else the machine is busy with tells in it, too: who starves for the lock does so each time.
describe('processes that write to one file without pause', () => {
  it.each(files)('none of them starves ($name)', { timeout: 60_000, retry: 2 }, async (target) => {
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
    expect(fairnessOf(result.lives)).toBeGreaterThanOrEqual(0.5);
  });
});
