import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  LinkedBackplane,
  type Backplane,
  type BackplaneConnect,
  type BackplaneLink,
  type LinkRequest,
} from '../../src/index.js';
import { InMemoryBackplane } from '../../src/testing/index.js';
import { channelNameOf } from '../../src/core/sharing/channel-name.js';
import { errorWith } from '../support/definitions.js';
import { FakeClock } from '../support/fake-clock.js';

const failed = errorWith('BACKPLANE_FAILED');

/** A link that works, and brings back what is published on it. */
function workingLink(request: LinkRequest): BackplaneLink {
  return {
    subscribe: async () => undefined,
    publish: async (channel, text) => queueMicrotask(() => request.onMessage(channel, text)),
    close: async () => undefined,
  };
}

describe('a backplane of links', () => {
  let clock: FakeClock;
  let told: string[];
  let backplane: Backplane;

  beforeEach(() => {
    clock = new FakeClock();
    told = [];
  });

  afterEach(async () => {
    await backplane.close();
    // Nothing is left that would go on.
    assert.equal(clock.timers, 0);
  });

  const on = (connect: BackplaneConnect): Backplane =>
    (backplane = new LinkedBackplane({ name: 'wire', connect, clock }));

  const opened = (): Promise<void> =>
    backplane.open({
      name: 'ndc_a',
      onMessage: (text) => told.push(`text ${text}`),
      onState: (state, error) =>
        told.push(error === undefined ? state : `${state}: ${(error as Error).message}`),
    });

  /** What a promise that nobody awaits yet rejects with. */
  const reasonOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'nothing',
      (error: unknown) => error,
    );

  it('rejects to open when the first attempt fails, and is up when a later one succeeds', async () => {
    const carrier = new InMemoryBackplane(clock);
    carrier.goAway();
    backplane = carrier.end();
    await expect(opened()).rejects.toThrow('told to break');
    await clock.advance(60_000);
    expect(told).toEqual([]);
    await expect(backplane.publish('a')).rejects.toThrow(failed);
    carrier.heal();
    await clock.advance(5000);
    expect(told).toEqual(['up']);
    await backplane.publish('a');
    await clock.settle();
    expect(told).toEqual(['up', 'text a']);
  });

  it('waits longer from attempt to attempt, 5 s at most', async () => {
    const at: number[] = [];
    on(async () => {
      at.push(clock.monotonic());
      throw new Error('away');
    });
    await reasonOf(opened());
    await clock.advance(60_000);
    const delays = at.slice(1).map((time, i) => time - (at[i] ?? 0));
    expect(delays.slice(0, 4)).toEqual([19, 38, 75, 150]);
    expect(new Set(delays.slice(9))).toEqual(new Set([3750]));
  });

  it('says how it is once for each episode, however many attempts fail', async () => {
    const carrier = new InMemoryBackplane(clock);
    backplane = carrier.end();
    await opened();
    carrier.goAway();
    await clock.advance(60_000);
    carrier.heal();
    await clock.advance(5000);
    expect(told).toEqual(['up', 'down: The backplane in memory was told to break.', 'up']);
  });

  it('is in no hurry where links break as soon as they are made', async () => {
    let links = 0;
    on(async (request) => {
      links += 1;
      return {
        ...workingLink(request),
        publish: async (channel, text) => {
          request.onMessage(channel, text);
          clock.setTimer(1, () => request.onEnd(new Error('again')));
        },
      };
    });
    await opened();
    await clock.advance(60_000);
    expect(links).toBeLessThan(30);
  });

  it('comes back at once where a link had held', async () => {
    const carrier = new InMemoryBackplane(clock);
    backplane = carrier.end();
    await opened();
    for (let i = 0; i < 20; i += 1) {
      await clock.advance(10_000);
      carrier.cut();
      await clock.advance(20);
    }
    expect(told).toHaveLength(41);
    expect(told.at(-1)).toBe('up');
  });

  it('does not open where subscriptions are taken and nothing is delivered, and says so', async () => {
    let closed = 0;
    on(async (request) => ({
      ...workingLink(request),
      publish: async () => undefined,
      close: async () => {
        closed += 1;
      },
    }));
    const reason = reasonOf(opened());
    await clock.advance(2000);
    expect(await reason).toEqual(failed);
    expect(String(await reason)).toContain('wire) does not bring back what is sent to it');
    expect(closed).toBe(1);
    expect(told).toEqual([]);
  });

  it('closes a connection that comes too late', async () => {
    let comes: () => void = () => undefined;
    let closed = 0;
    const signals: AbortSignal[] = [];
    on((request) => {
      signals.push(request.signal);
      return new Promise((resolve) => {
        comes = () => resolve({ ...workingLink(request), close: async () => void (closed += 1) });
      });
    });
    const reason = reasonOf(opened());
    await clock.advance(4999);
    expect(signals[0]?.aborted).toBe(false);
    await clock.advance(1);
    expect(String(await reason)).toContain('could not be connected to');
    expect(signals[0]?.aborted).toBe(true);
    comes();
    await clock.settle();
    expect(closed).toBe(1);
  });

  it('rejects a publish that is not answered, and takes the connection for broken', async () => {
    let isSilent = false;
    on(async (request) => {
      const link = workingLink(request);
      return {
        ...link,
        publish: (channel, text) => (isSilent ? new Promise(() => undefined) : link.publish(channel, text)),
      };
    });
    await opened();
    isSilent = true;
    const reason = reasonOf(backplane.publish('a'));
    await clock.advance(4999);
    expect(told).toEqual(['up']);
    isSilent = false;
    await clock.advance(1);
    expect(await reason).toEqual(failed);
    expect(told[1]).toContain('has not taken a text');
    await clock.advance(100);
    expect(told[2]).toBe('up');
  });

  it('stays up when a text is refused', async () => {
    on(async (request) => {
      const link = workingLink(request);
      return {
        ...link,
        publish: async (channel, text) => {
          if (text === 'bad') throw new Error('refused');
          await link.publish(channel, text);
        },
      };
    });
    await opened();
    await expect(backplane.publish('bad')).rejects.toThrow('refused');
    await backplane.publish('good');
    await clock.settle();
    expect(told).toEqual(['up', 'text good']);
  });

  it('rejects what is being published when the link breaks or is closed', async () => {
    const requests: LinkRequest[] = [];
    on(async (request) => {
      requests.push(request);
      const link = workingLink(request);
      return {
        ...link,
        publish: (channel, text) =>
          text === 'echo' ? link.publish(channel, text) : new Promise(() => undefined),
      };
    });
    await opened();
    const broken = reasonOf(backplane.publish('a'));
    const cause = new Error('broken');
    requests[0]?.onEnd(cause);
    expect(await broken).toBe(cause);
    await clock.advance(100);
    const closed = reasonOf(backplane.publish('b'));
    await backplane.close();
    expect(await closed).toEqual(errorWith('CACHE_CLOSED'));
  });

  it('hears nothing of a link that is over', async () => {
    const requests: LinkRequest[] = [];
    on(async (request) => {
      requests.push(request);
      return workingLink(request);
    });
    await opened();
    requests[0]?.onEnd(new Error('broken'));
    requests[0]?.onMessage('ndc_a', 'late');
    requests[0]?.onEnd(new Error('broken again'));
    await clock.advance(100);
    expect(told).toEqual(['up', 'down: broken', 'up']);
  });

  it('makes no further attempt when it is closed during one', async () => {
    let attempts = 0;
    on(() => {
      attempts += 1;
      return new Promise(() => undefined);
    });
    const reason = reasonOf(opened());
    await backplane.close();
    expect(await reason).toEqual(errorWith('CACHE_CLOSED'));
    await clock.advance(60_000);
    expect(attempts).toBe(1);
  });

  it('is closed though its link fails to close', async () => {
    on(async (request) => ({
      ...workingLink(request),
      close: () => {
        throw new Error('no');
      },
    }));
    await opened();
    backplane.reconnect(new Error('nothing is heard'));
    await clock.advance(100);
    await backplane.close();
    expect(told).toEqual(['up', 'down: nothing is heard', 'up']);
  });

  it('serves one cache', async () => {
    backplane = new InMemoryBackplane(clock).end();
    await opened();
    await expect(opened()).rejects.toThrow(errorWith('INVALID_OPTION'));
  });
});

describe('the name of a channel', () => {
  it('is that of the place, and fits what every server takes', () => {
    const name = channelNameOf('identity of the database "public"."cache_storage"');
    expect(name).toMatch(/^ndc_[0-9a-f]{32}$/);
    expect(channelNameOf('identity of the database "public"."cache_storage"')).toBe(name);
    expect(channelNameOf('identity of the database "other"."cache_storage"')).not.toBe(name);
  });
});
