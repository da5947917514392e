import { describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.js';
import { race, type RaceResult } from './race.js';
import { targetsIn } from './targets.js';

/** What else the machine is busy with tells in it, too. */
const TRIES = 3;
const FAIR = 0.5;
const files = (await targetsIn(tempFolder())).filter(({ database }) => database.includes('sqlite'));

describe('processes that write to one file without pause', () => {
  it.each(files)(
    'have their turns: none is acknowledged less than half of what another is ($name)',
    { timeout: 120_000 },
    async (target) => {
      const results: RaceResult[] = [];
      const best = (): number => Math.max(0, ...results.map(({ fairness }) => fairness));
      while (results.length < TRIES && best() < FAIR)
        results.push(await race(target, { processes: 4, callers: 64, seconds: 5 }));
      console.log(target.name, results);
      expect(best()).toBeGreaterThanOrEqual(FAIR);
    },
  );
});
