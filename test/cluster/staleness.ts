import { join } from 'node:path';
import { Child } from '../support/child-process.js';
import type { Target } from './targets.js';

const WRITER = join(import.meta.dirname, 'stale-writer.mjs');
const WATCHER = join(import.meta.dirname, 'stale-watcher.mjs');

/** Between two writes, ms: with looks alone longer than between two of them, so that they come at any moment between these. */
const PAUSE_MS = { told: 10, untold: 150 };

/** How long something took, ms. */
interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** For how long another process' memory shows what was before an acknowledged write; and how long a bare message takes, where there are any. */
export interface Staleness {
  readonly cache: Spread;
  readonly bare: Spread | undefined;
}

type Moments = readonly (readonly [n: number, at: number])[];

/** Measures both by turns, between two processes on a new database on which nothing else happens. */
export async function stalenessOf(target: Target, seconds: number): Promise<Staleness> {
  const { wire, redis } = target;
  const pauseMs = wire === 'poll' ? PAUSE_MS.untold : PAUSE_MS.told;
  const rounds = Math.ceil((seconds * 1000) / (wire === 'poll' ? pauseMs : 2 * pauseMs));
  const order = { storage: await target.storage(), wire, redis };
  const start = (file: string, more: object): Child =>
    new Child(process.execPath, [file, JSON.stringify({ ...order, ...more })]);
  const watcher = start(WATCHER, {});
  let writer: Child | undefined;
  try {
    await watcher.prints(/watching/);
    writer = start(WRITER, { rounds, pauseMs });
    const written = await resultOf<{ acknowledged: Moments; sent: Moments }>(writer);
    watcher.process.stdin.write('finish\n');
    const seen = await resultOf<{ forgotten: Moments; heard: Moments }>(watcher);
    return {
      cache: spreadOf(delays(written.acknowledged, seen.forgotten)),
      bare: written.sent.length === 0 ? undefined : spreadOf(delays(written.sent, seen.heard)),
    };
  } finally {
    watcher.kill('SIGKILL');
    writer?.kill('SIGKILL');
  }
}

async function resultOf<T>(child: Child): Promise<T> {
  const [, result = ''] = await child.prints(/^result (.*)\n/m);
  return JSON.parse(result) as T;
}

/** What comes to another process before the acknowledgement comes to the writer is not late. */
function delays(begun: Moments, ended: Moments): number[] {
  const from = new Map(begun);
  return ended.flatMap(([n, at]) => {
    const since = from.get(n);
    return since === undefined ? [] : [Math.max(0, at - since)];
  });
}

function spreadOf(ms: readonly number[]): Spread {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
