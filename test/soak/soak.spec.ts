import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.js';
import { coursesOf, type Course, type Sample } from './support/level.js';
import { longestRunMs, soak, type SoakResult } from './support/soak-run.js';
import { TARGETS, type SoakTarget } from './support/targets.js';

/** Half a minute among the tests; `npm run soak` makes it ten minutes. */
const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 30);
const DATABASES = (process.env['SOAK_DATABASES'] ?? 'sqlite,postgres,mariadb').split(',');
const folder = tempFolder();
const targets = (await Promise.all(DATABASES.map(targetOf))).filter((target) => target !== undefined);

describe('an application under load for a long time', () => {
  it.concurrent.each(targets)(
    'holds no more at its end than in the middle, and loses no acknowledged write ($name)',
    { timeout: longestRunMs(SECONDS) + 30_000 },
    async (target) => {
      const cwd = join(folder, target.name);
      mkdirSync(cwd, { recursive: true });
      const result = await soak(target, SECONDS, cwd);
      const courses = coursesOf(result.samples);
      console.log(summaryOf(target.name, result, courses));
      expect(result.surprises).toEqual([]);
      expect(result.lost).toEqual([]);
      expect(courses.filter(({ levelsOff }) => !levelsOff)).toEqual([]);
      // What the cache opened it has closed, and the process ended by itself.
      for (const gauge of ['resources', 'timers', 'openSockets', 'listeners'] as const)
        expect({ [gauge]: result.after[gauge] }).toEqual({ [gauge]: result.before[gauge] });
      expect(result.exitCode).toBe(0);
    },
  );
});

describe('a gauge', () => {
  const NOTHING: Sample = {
    heapMb: 0,
    externalMb: 0,
    resources: 0,
    timers: 0,
    listeners: 0,
    openSockets: 0,
    sockets: 0,
    clients: 0,
    connects: 0,
  };
  const courseOf = (clientsAt: (n: number) => number): Course | undefined =>
    coursesOf(Array.from({ length: 60 }, (_, n) => ({ ...NOTHING, clients: clientsAt(n) }))).find(
      ({ gauge }) => gauge === 'clients',
    );

  it('that grows while it warms up and comes and goes afterwards levels off', () => {
    expect(courseOf((n) => Math.min(n, 15) + (n % 3))).toMatchObject({ levelsOff: true });
  });

  it('that grows on and on does not', () => {
    expect(courseOf((n) => Math.floor(n / 5))).toMatchObject({ levelsOff: false, middle: 6, last: 10 });
  });
});

function targetOf(name: string): Promise<SoakTarget | undefined> {
  const make = TARGETS[name];
  if (make === undefined)
    throw new Error(`SOAK_DATABASES: '${name}' is none of ${Object.keys(TARGETS).join(', ')}.`);
  return make(folder);
}

function summaryOf(name: string, result: SoakResult, courses: readonly Course[]): string {
  const { operations, failures, samples, lost } = result;
  const rejected = Object.entries(failures).map(([code, count]) => `${count} ${code}`);
  const rows = [
    ['held after gc', 'warm-up', 'middle', 'last', 'may grow by', 'levels off'],
    ...courses.map((course) => [
      course.gauge,
      ...[course.warmUp, course.middle, course.last, course.tolerance].map((n) =>
        String(Number(n.toFixed(2))),
      ),
      course.levelsOff ? 'yes' : 'NO',
    ]),
  ];
  return [
    `${name}: ${SECONDS} s, ${operations} operations, ${samples.at(-1)?.connects ?? 0} connections begun, ` +
      `rejected: ${rejected.join(', ') || 'none'}; acknowledged writes lost: ${lost.length}.`,
    ...rows.map((cells) => cells.map((cell) => cell.padEnd(13)).join(' ')),
  ].join('\n');
}
