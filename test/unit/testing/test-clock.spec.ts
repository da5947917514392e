import { describe, expect, it, vi } from 'vitest';
import { InMemoryStorage } from '../../../src/index.js';
import { FaultyStorage, TestClock } from '../../../src/testing/index.js';
import { errorWith } from '../../support/definitions.js';

describe('a test clock', () => {
  it('stands still until it is advanced, wall clock and monotonic one alike', async () => {
    const clock = new TestClock(new Date('2030-01-01T00:00:00Z'));
    expect(new Date(clock.now()).toISOString()).toBe('2030-01-01T00:00:00.000Z');
    const monotonic = clock.monotonic();
    await clock.advance(1500);
    expect(new Date(clock.now()).toISOString()).toBe('2030-01-01T00:00:01.500Z');
    expect(clock.monotonic() - monotonic).toBe(1500);
  });

  it('starts at the same date in every run', () => {
    expect(new Date(new TestClock().now()).toISOString()).toBe('2026-01-01T00:00:00.000Z');
  });

  it('fires timers in the order they are due, each at its time, and none that was cancelled', async () => {
    const clock = new TestClock(1000);
    const fired: string[] = [];
    const note = (name: string) => (): void => void fired.push(`${name} at ${clock.now()}`);
    clock.setTimer(30, note('late'));
    clock.setTimer(10, note('early'));
    clock.setTimer(10, note('beside it'));
    clock.setTimer(20, note('cancelled')).cancel();
    clock.setTimer(31, note('too late'));
    await clock.advance(30);
    expect(fired).toEqual(['early at 1010', 'beside it at 1010', 'late at 1030']);
    expect(clock.timers).toBe(1);
  });

  it('fires timers at whole milliseconds', async () => {
    const clock = new TestClock(1000);
    const fired: number[] = [];
    for (const ms of [0.2, 18.75, 3]) clock.setTimer(ms, () => fired.push(clock.now()));
    await clock.advance(20);
    expect(fired).toEqual([1001, 1003, 1019]);
  });

  it('lets what a timer set going come to rest before the next one fires', async () => {
    const clock = new TestClock(1000);
    const seen: string[] = [];
    clock.setTimer(10, () => {
      // Many turns, each asked for by the one before it.
      const turn = (left: number): void => {
        if (left === 0) seen.push('at rest');
        else clock.immediate(() => turn(left - 1));
      };
      turn(100);
    });
    clock.setTimer(11, () => seen.push('next'));
    await clock.advance(20);
    expect(seen).toEqual(['at rest', 'next']);
  });

  it('waits for a storage whose calls take real time', async () => {
    const clock = new TestClock();
    const rows = new InMemoryStorage();
    let answer!: (rows: []) => void;
    rows.read = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const storage = new FaultyStorage(rows, clock);
    let isAtRest = false;
    const read = storage.read('n', ['a']);
    const advance = clock.advance(1).then(() => {
      isAtRest = true;
    });
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    expect(isAtRest).toBe(false);
    answer([]);
    await Promise.all([read, advance]);
    expect(isAtRest).toBe(true);
  });

  it('advances by one call after the other, awaited or not', async () => {
    const clock = new TestClock(1000);
    await Promise.all([clock.advance(10), clock.advance(5)]);
    expect(clock.now()).toBe(1015);
  });

  it('works under the fake timers of the test runner', async () => {
    vi.useFakeTimers();
    try {
      const clock = new TestClock(1000);
      const fired = vi.fn<() => void>();
      clock.setTimer(10, fired);
      await clock.advance(10);
      expect(fired).toHaveBeenCalledOnce();
    } finally {
      vi.useRealTimers();
    }
  });

  it.each([-1, Number.NaN, '5', Infinity, undefined])('refuses to advance by %o', async (ms) => {
    const clock = new TestClock(1000);
    await expect(clock.advance(ms as number)).rejects.toThrow(errorWith('INVALID_OPTION'));
    expect(clock.now()).toBe(1000);
  });

  it.each([0, new Date(Number.NaN), Infinity])('refuses to start at %o', (start) => {
    expect(() => new TestClock(start)).toThrow(errorWith('INVALID_OPTION'));
  });
});

describe('advancing until something settles', () => {
  it('takes no longer than it needs, and settles like it', async () => {
    const clock = new TestClock(1000);
    const done = new Promise<string>((resolve) => {
      clock.setTimer(40, () => resolve('done'));
    });
    clock.setTimer(50, () => undefined);
    expect(await clock.advanceUntil(done)).toBe('done');
    expect(clock.now()).toBe(1040);
    await expect(clock.advanceUntil(Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    expect(clock.now()).toBe(1040);
  });

  it('fails the test, with what to look at, where nothing the cache waits for settles it', async () => {
    const clock = new TestClock();
    const never = new Promise(() => undefined);
    await expect(clock.advanceUntil(never)).rejects.toThrow(/Does the storage hang \(then heal\(\) it\)/);
    const again = (): void => void clock.setTimer(30_000, again);
    again();
    await expect(clock.advanceUntil(never)).rejects.toMatchObject({ name: 'AssertionError' });
  });

  it('lets time pass for work that lets time pass itself', async () => {
    const clock = new TestClock(1000);
    const after = (ms: number): Promise<void> =>
      new Promise((resolve) => {
        clock.setTimer(ms, resolve);
      });
    const work = async (): Promise<string> => {
      await clock.advanceUntil(after(10));
      await Promise.all([clock.advanceUntil(after(20)), clock.advanceUntil(after(5))]);
      await clock.advance(100);
      return 'done';
    };
    clock.setTimer(200, () => undefined);
    expect(await clock.advanceUntil(work())).toBe('done');
    expect(clock.now()).toBe(1130);
  });

  it('rejects with what a timer throws, and goes on afterwards', async () => {
    const clock = new TestClock(1000);
    const done = new Promise<string>((resolve) => {
      clock.setTimer(20, () => resolve('done'));
    });
    clock.setTimer(10, () => {
      throw new Error('mine');
    });
    await expect(clock.advanceUntil(done)).rejects.toThrow('mine');
    expect(await clock.advanceUntil(done)).toBe('done');
  });

  it('fails what is awaited within other work first, which settles with it', async () => {
    const clock = new TestClock();
    const never = new Promise(() => undefined);
    const work = async (): Promise<unknown> => {
      await clock.settle();
      return clock.advanceUntil(never).catch(() => 'given up');
    };
    expect(await clock.advanceUntil(work())).toBe('given up');
  });

  it('says whether time or timers ran out', async () => {
    const clock = new TestClock();
    const never = new Promise(() => undefined);
    await expect(clock.advanceUntil(never)).rejects.toThrow(/no timer is left/);
    const again = (): void => void clock.setTimer(30_000, again);
    again();
    await expect(clock.advanceUntil(never)).rejects.toThrow(/an hour has passed/);
  });
});
