import { describe, expect, it } from 'vitest';
import { instantOf } from '../../src/storage/sqlite/instant.js';

const T = Date.UTC(2026, 0, 2, 3, 4, 5);

describe('a time in SQLite', () => {
  it.each<[unknown, number]>([
    ['2026-01-02 03:04:05', T],
    ['2026-01-02 03:04:05.678', T + 678],
    ['2026-01-02 03:04:05.6', T + 600],
    ['2026-01-02 03:04:05.678901', T + 678],
    ['2026-01-02T03:04:05', T],
    ['2026-01-02T03:04:05Z', T],
    ['2026-01-02T03:04:05.678Z', T + 678],
    ['2026-01-02T05:34:05+02:30', T],
    ['2026-01-02T05:34:05.001+0230', T + 1],
    ['2026-01-01 22:04:05-05:00', T],
    ['2026-01-02 03:04:05 +00:00', T],
    ['2026-01-02 03:04', T - 5000],
    ['2026-01-02', Date.UTC(2026, 0, 2)],
    ['+010000-01-01T00:00:00.000', Date.UTC(10_000, 0, 1)],
    ['1969-12-31 23:59:59.999', -1],
    [T / 1000, T],
    [T / 1000 + 0.678, T + 678],
    [`${T / 1000}`, T],
    [`${T / 1000}.678`, T + 678],
    [T + 678, T + 678],
    [`${T + 678}`, T + 678],
    [2_461_042.5, Date.UTC(2026, 0, 2)],
    ['2461042.5', Date.UTC(2026, 0, 2)],
    // A column of numbers keeps a whole one as an integer.
    [2_461_043, Date.UTC(2026, 0, 2, 12)],
  ])('%j is the instant it means', (stored, expected) => {
    expect(instantOf(stored)).toBe(expected);
  });

  it.each([
    null,
    'yesterday',
    '',
    '2026-02-30 00:00:00',
    '2026-13-01',
    '03:04:05',
    0,
    5,
    -1,
    NaN,
    Infinity,
    1e15,
    Buffer.from('x'),
  ])("%j can't be told", (stored) => {
    expect(instantOf(stored)).toBeUndefined();
  });
});
