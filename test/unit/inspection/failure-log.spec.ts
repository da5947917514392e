import { describe, expect, it } from 'vitest';
import { FailureLog, type FailureEvent } from '../../../src/core/failure-log.js';

const secretive = Object.assign(new Error('duplicate key (a secret)'), { code: '23505' });

const FAILURES: readonly FailureEvent[] = [
  { type: 'write-failed', code: '23505', error: secretive },
  { type: 'read-failed', namespace: 'users', error: secretive },
  { type: 'write-rejected', namespace: 'users', code: 'WRITE_FAILED' },
  { type: 'entry-refused', namespace: 'users', count: 2, code: '23505', error: secretive },
  { type: 'conflict-unsettled', namespace: 'users', count: 1, error: secretive },
  { type: 'rows-unreadable', namespace: 'users', count: 3 },
  { type: 'entries-rescued', namespace: 'users', count: 1 },
  { type: 'entries-lost', namespace: 'users', count: 1 },
  { type: 'journal-replayed', written: 1, conflicts: 2, refused: 1 },
  { type: 'others-unseen', code: undefined, error: new Error('postgres://user:secret@host is away') },
  { type: 'backplane-down', error: new Error('redis://:secret@host is away') },
];

const NO_FAILURES: readonly FailureEvent[] = [
  { type: 'write-recovered', afterMs: 1, failures: 1 },
  { type: 'entries-in-conflict', namespace: 'users', count: 1 },
  { type: 'journal-replayed', written: 1, conflicts: 0, refused: 0 },
  { type: 'others-seen', afterMs: 1 },
  { type: 'backplane-up', lost: 0 },
];

describe('the log of failures', () => {
  it('has words for each kind, and none of what an error says', () => {
    const log = new FailureLog();
    FAILURES.forEach((event, i) => log.record(event, i));
    expect(log.last.map(({ at }) => at)).toEqual(FAILURES.map((_, i) => i).toReversed());
    for (const { code, message } of log.last) {
      expect(code).toMatch(/^[A-Z_]+$/);
      expect(message).toMatch(/^.+\.$/);
    }
    expect(JSON.stringify(log.last)).not.toContain('secret');
    expect(log.last.at(-1)?.message).toBe('The database could not be written to (23505); it is tried again.');
  });

  it('leaves out what is no failure', () => {
    const log = new FailureLog();
    for (const event of NO_FAILURES) log.record(event, 1);
    expect(log.last).toEqual([]);
  });

  it('counts what happens again and again in one place, the newest', () => {
    const log = new FailureLog();
    const [failed, , rejected] = FAILURES as [FailureEvent, FailureEvent, FailureEvent];
    log.record(failed, 1);
    log.record(rejected, 2);
    for (let at = 3; at < 100; at += 1) log.record(failed, at);
    expect(log.last).toMatchObject([
      { code: 'WRITE_FAILED', namespace: undefined, count: 98, at: 99 },
      { namespace: 'users', count: 1, at: 2 },
    ]);
  });

  it('keeps the last twenty', () => {
    const log = new FailureLog();
    for (let i = 0; i < 30; i += 1) log.record({ type: 'rows-unreadable', namespace: `n${i}`, count: 1 }, i);
    expect(log.last.map(({ namespace }) => namespace)).toEqual(
      Array.from({ length: 20 }, (_, i) => `n${29 - i}`),
    );
  });
});
