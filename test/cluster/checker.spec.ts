import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { check } from './checker.js';
import type { Append, LifeHistory, View } from './history.js';

const BOUND_MS = 500;
const digest = (ids: readonly string[]): string => createHash('md5').update(ids.join(' ')).digest('base64');

const view = (how: 'get' | 'fresh', from: number, ids: readonly string[]): View => ({
  kind: 'read',
  how,
  key: 'l',
  from,
  to: from + 1,
  length: ids.length,
  digest: digest(ids),
});

const append = (from: number, ids: readonly string[]): Append => ({
  ...view('get', from, ids),
  kind: 'appended',
  how: 'update',
  id: ids.at(-1) ?? '',
  runs: 1,
});

function life(name: string, appends: readonly Append[], reads: readonly View[] = []): LifeHistory {
  return {
    name,
    worker: Number(name[0]),
    workedMs: 1000,
    stops: [],
    rejected: new Map<string, number>(),
    appends,
    views: [...appends, ...reads],
    counts: [],
    begun: appends.map(({ key, id, from }) => ({ key, id, from })),
  };
}

const faultsOf = (
  lives: readonly LifeHistory[],
  final: readonly string[],
  counters = new Map<string, number>(),
) => check(lives, { lists: new Map([['l', final]]), counters }, BOUND_MS).faults;

const A = '0.0.1';
const B = '1.0.1';
const writers = [life('0.0', [append(0, [A])]), life('1.0', [append(10, [A, B])])];

describe('the judge of what several processes noted', () => {
  it('finds nothing in a history that keeps every promise', () => {
    expect(
      faultsOf([...writers, life('2.0', [], [view('get', 300, [A]), view('get', 400, [A, B])])], [A, B]),
    ).toEqual([]);
  });

  it('tells how long reads elsewhere lacked what was acknowledged', () => {
    const lives = [...writers, life('2.0', [], [view('get', 300, [A]), view('get', 400, [A, B])])];
    const { staleness } = check(lives, { lists: new Map([['l', [A, B]]]), counters: new Map() }, BOUND_MS);
    // B, acknowledged at 11, was last lacking at 300; A was there in all that was read.
    expect(staleness).toEqual([0, 289]);
  });

  it.each([
    ['an acknowledged update that is gone', writers, [A], ['lacks it', 'no beginning']],
    ['an update that was made twice', writers, [A, B, B], ['twice']],
    ['an update of nobody', writers, [A, B, '2.0.1'], ['nobody appended']],
    ['an order that time forbids', writers, [B, A], ['before one that was acknowledged', 'no beginning']],
  ])('notices %s', (_what, lives, final, expected) => {
    const faults = faultsOf(lives, final).join('\n');
    for (const text of expected) expect(faults).toContain(text);
  });

  it.each([
    ['a value that never was', [view('get', 20, [B])], 'no beginning'],
    ['a value older than one seen before', [view('get', 20, [A, B]), view('get', 30, [A])], 'seen before'],
    ['a value older than the bound', [view('get', 12 + BOUND_MS + 100, [A])], 'without one acknowledged'],
    ['a fresh read that is not', [view('fresh', 12, [A])], 'without one acknowledged'],
  ])('notices %s', (_what, reads, text) => {
    const faults = faultsOf([...writers, life('2.0', [], reads)], [A, B]);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(text);
  });

  it('counts what was lost, and reads that were stale, apart', () => {
    const lives = [...writers, life('2.0', [], [view('fresh', 12, [A]), view('fresh', 20, [A])])];
    const verdictOf = (final: readonly string[]) =>
      check(lives, { lists: new Map([['l', final]]), counters: new Map() }, BOUND_MS);
    expect(verdictOf([A, B])).toMatchObject({ lost: 0, stale: 2 });
    expect(verdictOf([A])).toMatchObject({ lost: 1, stale: 0 });
  });

  it('asks nothing of a read in a process that was suspended meanwhile', () => {
    const stopped = { ...life('2.0', [], [view('get', 700, [A])]), stops: [{ from: 100, to: 701 }] };
    expect(faultsOf([...writers, stopped], [A, B])).toEqual([]);
  });

  it.each([
    ['an increment that is gone', 1, 'after 2 acknowledged'],
    ['an increment that was made twice', 3, 'after 2 increments'],
  ])('notices %s', (_what, value, text) => {
    const begun = [A, B].map((id) => ({ key: 'c', id, from: 0 }));
    const counts = [A, B].map((id, i) => ({ key: 'c', id, value: i + 1 }));
    const faults = faultsOf([{ ...life('0.0', []), begun, counts }], [], new Map([['c', value]]));
    expect(faults).toEqual([expect.stringContaining(text)]);
  });
});
