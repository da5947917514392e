import { describe, expect, it } from 'vitest';
import { ReplayRules, type KeyWrite } from '../../src/core/rescue/replay-rules.js';
import { fingerprint, withoutNotice } from '../../src/core/rescue/row-fingerprint.js';
import type { StampedEntry } from '../../src/core/storage-adapter.js';

const NOW = 1000;
const PREFIX = 7;
const OWN = PREFIX * 2 ** 27 + 5;
const OTHER = 8 * 2 ** 27 + 5;

const rules = new ReplayRules(
  { prefixes: [PREFIX], isUnstamped: false },
  [{ prefix: 'x', isWhole: false }],
  NOW,
);
const unstamped = new ReplayRules({ prefixes: [], isUnstamped: true }, [], NOW);

type Intent = Pick<KeyWrite, 'base' | 'since'>;
const put = (intent: Intent = {}, key = 'a'): KeyWrite => ({
  op: 'put',
  namespace: 'n',
  key,
  value: '2',
  expiresAt: null,
  ...intent,
});
const remove = (intent: Intent = {}, key = 'a'): KeyWrite => ({
  op: 'delete',
  namespace: 'n',
  key,
  ...intent,
});
const row = (stamp: number, more: Partial<StampedEntry> = {}): StampedEntry => ({
  key: 'a',
  value: '1',
  expiresAt: null,
  stamp,
  ...more,
});

describe('the replay of one write', () => {
  const base = fingerprint('1', OTHER);

  it.each<[string, KeyWrite, StampedEntry | undefined, string]>([
    ['on the row it was built on', put({ base }), row(OTHER), 'due'],
    ['on that row with another text', put({ base }), row(OTHER, { value: '3' }), 'conflict'],
    ['on that row with another stamp', put({ base }), row(OTHER + 1), 'conflict'],
    ['on another row of its own process', put({ base }), row(OWN), 'conflict'],
    ['where its row has gone', put({ base }), undefined, 'conflict'],
    ['where its row has gone that expires', put({ base: withoutNotice(base) }), undefined, 'due'],
    ['on its row that expires', put({ base: withoutNotice(base) }), row(OTHER), 'due'],
    ['where there was no row, and is none', put({ base: null }), undefined, 'due'],
    ['where there was no row, and is one', put({ base: null }), row(OWN), 'conflict'],
    ['where there is one that has expired', put({ base: null }), row(OTHER, { expiresAt: NOW }), 'due'],
    ['where there is one that will', put({ base: null }), row(OTHER, { expiresAt: NOW + 1 }), 'conflict'],
    ['on what the first attempt has left', put({ base, since: OWN }), row(OWN), 'due'],
    ['on what a later one has left', put({ base, since: OWN - 1 }), row(OWN), 'due'],
    ['on what was there before the first one', put({ base, since: OWN + 1 }), row(OWN), 'conflict'],
    ['on what another has left since', put({ base, since: OWN }), row(OTHER + 1), 'conflict'],
    ['blind, on no row', put(), undefined, 'due'],
    ['blind, on a row of its own process', put(), row(OWN), 'due'],
    ['blind, on a row of another', put(), row(OTHER), 'conflict'],
    ['blind, on an adopted row', put(), row(0), 'conflict'],
    ['of what is there', put({ base: null }), row(OTHER, { value: '2' }), 'done'],
    [
      'of what is there but for its expiry',
      put({ base: null }),
      row(OTHER, { value: '2', expiresAt: 5000 }),
      'conflict',
    ],
    ['that removes what has gone', remove({ base }), undefined, 'done'],
    ['that removes its row', remove({ base }), row(OTHER), 'due'],
    ['that removes another', remove({ base }), row(OTHER + 1), 'conflict'],
    ['after a clear, where the row has gone', put({ base }, 'x1'), undefined, 'due'],
    ['after a clear, on a row that it removes', put({ base: null }, 'x1'), row(OWN), 'due'],
    ['after a clear, on an adopted row', put({ base: null }, 'x1'), row(0), 'due'],
    ['after a clear, on a row of another', put({ base: null }, 'x1'), row(OTHER), 'conflict'],
  ])('%s', (_where, write, found, verdict) => {
    expect(rules.of(write, found)).toBe(verdict);
  });

  it.each<[string, KeyWrite, StampedEntry | undefined, string]>([
    ['a put where there is no row', put(), undefined, 'due'],
    ['a put of what is there', put(), row(OTHER, { value: '2' }), 'done'],
    ['a put on any other row', put(), row(0), 'conflict'],
    ['a removal of a row', remove(), row(0), 'conflict'],
    ['a removal of none', remove(), undefined, 'done'],
  ])('of an earlier version: %s', (_what, write, found, verdict) => {
    expect(unstamped.of(write, found)).toBe(verdict);
  });

  it('is that of all it must be written together with', () => {
    const writes = [remove({ base }, 'a'), put({ base: null }, 'b')];
    expect(rules.ofAll(writes, new Map([['a', row(OTHER)]]))).toBe('due');
    expect(rules.ofAll(writes, new Map([['b', row(OTHER, { key: 'b', value: '2' })]]))).toBe('done');
    expect(rules.ofAll(writes, new Map([['b', row(OTHER, { key: 'b' })]]))).toBe('conflict');
  });
});
