import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Child, type Ended } from '../../support/child-process.js';
import type { Sample } from './level.js';
import type { SoakTarget } from './targets.js';

const APP = join(import.meta.dirname, '..', 'soak-app.mjs');
/** For the start of the application, and for its end with a check of all that it wrote. */
const SPARE_MS = 60_000;

/** How an application under load fared. */
export interface SoakResult {
  readonly samples: readonly Sample[];
  /** What it held before the cache was opened, and after it was closed. */
  readonly before: Sample;
  readonly after: Sample;
  readonly operations: number;
  /** Rejected calls, by code. */
  readonly failures: Readonly<Record<string, number>>;
  /** Errors that no trouble of a database explains, and reads of what was not written. */
  readonly surprises: readonly string[];
  /** Acknowledged writes that were not there after a restart. */
  readonly lost: readonly string[];
  readonly exitCode: number | null;
}

interface Line {
  readonly sample?: Sample;
  readonly ended?: Omit<SoakResult, 'samples' | 'exitCode'>;
}

/** The longest that a run of so many seconds takes, ms. */
export function longestRunMs(seconds: number): number {
  return seconds * 1000 + SPARE_MS;
}

/** Runs an application on a database for `seconds`, and gives it trouble meanwhile. */
export async function soak(target: SoakTarget, seconds: number, cwd: string): Promise<SoakResult> {
  const options = JSON.stringify({ storage: target.storage, sampleMs: Math.max(300, seconds * 10) });
  const child = new Child(process.execPath, ['--expose-gc', APP, options], { cwd });
  const overdue = setTimeout(() => child.kill('SIGKILL'), longestRunMs(seconds));
  // One that has ended says why in its output.
  child.process.stdin.on('error', () => undefined);
  try {
    await child.prints(/"ready"/);
    await target.prepare();
    child.process.stdin.write('go\n');
    await troubled(target, seconds, child);
    child.process.stdin.write('stop\n');
    return resultOf(await child.ended);
  } finally {
    clearTimeout(overdue);
    child.kill('SIGKILL');
    await target.close();
  }
}

/** Resolves after `seconds`, or when the process ends before. */
async function troubled(target: SoakTarget, seconds: number, child: Child): Promise<void> {
  const stop = new AbortController();
  void child.ended.then(() => stop.abort());
  const trouble = target.trouble?.(stop.signal);
  await delay(seconds * 1000, undefined, { signal: stop.signal }).catch(() => undefined);
  stop.abort();
  await trouble;
}

function resultOf({ output, code }: Ended): SoakResult {
  const lines = output
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Line] : []));
  const ended = lines.find((line) => line.ended !== undefined)?.ended;
  if (ended === undefined) throw new Error(`The application under load did not come to its end:\n${output}`);
  return { ...ended, exitCode: code, samples: lines.flatMap(({ sample }) => sample ?? []) };
}
