import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { EngineOptions } from '../../src/core/engine/engine-options.js';
import { channelNameOf } from '../../src/core/sharing/channel-name.js';
import type { Backplane, BackplaneChannel } from '../../src/index.js';
import type { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { InMemoryBackplane } from '../../src/testing/index.js';
import { ChaosStorage } from '../support/chaos-storage.js';
import { settle, type FakeClock } from '../support/fake-clock.js';
import { holdAnswer, InstancesWorld, type Instance } from '../support/instances-world.js';

/** One that says it is there, and carries nothing. */
class SilentBackplane implements Backplane {
  reconnects = 0;

  describe(): string {
    return 'silent';
  }

  async open(channel: BackplaneChannel): Promise<void> {
    channel.onState('up');
  }

  async publish(): Promise<void> {
    // Nobody hears it.
  }

  reconnect(): void {
    this.reconnects += 1;
  }

  async close(): Promise<void> {
    // There is nothing to close.
  }
}

describe('several instances on one storage', () => {
  let clock: FakeClock;
  let rows: InMemoryStorage;
  let one: Instance;
  let other: Instance;

  let start: (options?: EngineOptions) => Promise<Instance>;

  beforeEach(async () => {
    const world = new InstancesWorld();
    ({ clock, rows } = world);
    start = (options) => world.start(options);
    one = await start();
    other = await start();
  });

  /** Reads of rows that an instance makes during `task`. */
  async function readsOf({ cache }: Instance, task: () => Promise<void>): Promise<number> {
    const before = cache.stats().storageReads;
    await task();
    return cache.stats().storageReads - before;
  }

  describe('what another one has committed', () => {
    beforeEach(async () => {
      await one.cache.set('a', 'old');
      await clock.advance(100);
      await other.cache.get('a');
      await one.cache.set('a', 'new');
    });

    it('shows after a look at the logs, and memory answers until then', async () => {
      expect(await other.cache.get('a')).toBe('old');
      await clock.advance(100);
      expect(other.cache.getIfPresent('a')).toBeUndefined();
      expect(await other.cache.get('a')).toBe('new');
    });

    it('shows to a read that asks for what there is now', async () => {
      expect(await other.cache.get('a', { fresh: true })).toBe('new');
    });

    it('shows though the one that wrote it is gone', async () => {
      one.storage.hang();
      await clock.advance(100);
      expect(await other.cache.get('a')).toBe('new');
    });

    it('costs nobody else a read', async () => {
      await other.cache.set('b', 'mine');
      await clock.advance(200);
      expect(await readsOf(other, async () => void (await other.cache.get('b')))).toBe(0);
      expect(await readsOf(one, async () => void (await one.cache.get('a')))).toBe(0);
    });
  });

  it('a deleted entry is gone for all', async () => {
    await one.cache.set('a', '1');
    await clock.advance(100);
    expect(await other.cache.get('a')).toBe('1');
    await one.cache.delete('a');
    await clock.advance(100);
    expect(await other.cache.get('a')).toBeUndefined();
  });

  it('an entry that was remembered as absent is found', async () => {
    expect(await other.cache.get('a')).toBeUndefined();
    await one.cache.set('a', '1');
    await clock.advance(100);
    expect(await other.cache.get('a')).toBe('1');
  });

  it('a clear and the removal of a prefix take the entries from the memories of all', async () => {
    await one.cache.setMany([
      ['a', '1'],
      ['ab', '2'],
      ['b', '3'],
    ]);
    await clock.advance(100);
    expect(await other.cache.getMany(['a', 'ab', 'b'])).toEqual(['1', '2', '3']);
    await one.cache.deletePrefix('a');
    await clock.advance(100);
    expect(await other.cache.getMany(['a', 'ab', 'b'])).toEqual([undefined, undefined, '3']);
    await one.cache.clear();
    await clock.advance(100);
    expect(await other.cache.getMany(['a', 'ab', 'b'])).toEqual([undefined, undefined, undefined]);
  });

  it('memory that holds everything still answers for what is absent, but for what others have changed', async () => {
    await one.cache.set('a', '1');
    const third = await start();
    await one.cache.set('b', '2');
    await clock.advance(100);
    const asked = await readsOf(third, async () => {
      expect(await third.cache.get('none')).toBeUndefined();
      expect(await third.cache.get('a')).toBe('1');
    });
    expect(asked).toBe(0);
    expect(await readsOf(third, async () => expect(await third.cache.get('b')).toBe('2'))).toBe(1);
  });

  it('what was read before a commit and comes after it is not kept', async () => {
    await one.cache.set('a', 'old');
    await clock.advance(100);
    // The rows are read, and on their way.
    const read = other.storage.read.bind(other.storage);
    let answer: () => void = () => undefined;
    other.storage.read = async (namespace, keys) => {
      const found = await read(namespace, keys);
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return found;
    };
    const reading = other.cache.get('a');
    await clock.advance(1);
    await one.cache.set('a', 'new');
    await clock.advance(100);
    answer();
    expect(await reading).toBe('old');
    other.storage.read = read;
    expect(await other.cache.get('a')).toBe('new');
  });

  it('what an instance has committed itself is not kept where another one has written since', async () => {
    await one.cache.set('a', '0');
    await clock.advance(100);
    // The commit is there, and its answer is on its way.
    const write = other.storage.write.bind(other.storage);
    let answer: () => void = () => undefined;
    other.storage.write = async (atoms, commit) => {
      const outcomes = await write(atoms, commit);
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return outcomes;
    };
    const written = other.cache.set('a', 'mine');
    await clock.advance(1);
    await one.cache.set('a', 'theirs');
    await clock.advance(100);
    answer();
    await written;
    expect(await other.cache.get('a')).toBe('theirs');
  });

  describe('of an ON_SHUTDOWN namespace', () => {
    /** Holds the answers of an instance's writes back, which are committed. */
    function heldAnswers({ storage }: Instance): () => void {
      const write = storage.write.bind(storage);
      let answer: () => void = () => undefined;
      storage.write = async (atoms, commit) => {
        const outcomes = await write(atoms, commit);
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return outcomes;
      };
      return () => {
        storage.write = write;
        answer();
      };
    }

    it('what was flushed elsewhere shows, and what is unwritten here stays', async () => {
      await one.drafts.set('a', '1');
      await one.drafts.flush();
      await clock.advance(100);
      expect(await other.drafts.get('a')).toBe('1');
      await other.drafts.set('a', 'mine');
      await one.drafts.set('a', '2');
      await one.drafts.set('b', '2');
      await one.drafts.flush();
      await clock.advance(100);
      expect(await other.drafts.get('a')).toBe('mine');
      expect(await other.drafts.get('b')).toBe('2');
    });

    it.each([
      ['a value', '1'],
      ['a removal', undefined],
    ])('%s that was flushed is not kept where another one has written since', async (_what, mine) => {
      await one.drafts.set('a', '0');
      await one.drafts.flush();
      await clock.advance(100);
      await other.drafts.get('a');
      if (mine === undefined) await other.drafts.delete('a');
      else await other.drafts.set('a', mine);
      const answer = heldAnswers(other);
      const flushed = other.drafts.flush();
      await settle();
      await one.drafts.refresh('a');
      await one.drafts.set('a', 'theirs');
      await one.drafts.flush();
      await clock.advance(100);
      answer();
      await flushed;
      expect(await other.drafts.get('a')).toBe('theirs');
    });

    it('own unwritten entries answer at once, whether memory is fresh or not', async () => {
      await other.drafts.set('a', 'mine');
      other.storage.hang('reads');
      await clock.advance(5000);
      expect(await other.drafts.get('a')).toBe('mine');
      expect(other.drafts.getIfPresent('a')).toBe('mine');
      expect(other.drafts.stats().unconfirmed).toBe(0);
    });

    it('an update is made on what there is, and not on what was there when the application went idle', async () => {
      await one.drafts.set('a', '1');
      await one.drafts.flush();
      await clock.advance(100);
      await other.drafts.get('a');
      await clock.advance(65_000);
      await one.drafts.set('a', '2');
      await one.drafts.flush();
      expect(await other.drafts.update('a', (value = '') => `${value}+`)).toBe('2+');
    });
  });

  describe('with a backplane', () => {
    let wire: InMemoryBackplane;
    let near: Instance;
    let far: Instance;

    beforeEach(async () => {
      wire = new InMemoryBackplane(clock);
      near = await start({ backplane: wire.end() });
      far = await start({ backplane: wire.end() });
      await near.cache.set('a', 'old');
      await settle();
      await far.cache.get('a');
    });

    it('what one commits shows to the others at once', async () => {
      await near.cache.set('a', 'new');
      await settle();
      expect(await far.cache.get('a')).toBe('new');
      await near.cache.clear();
      await settle();
      expect(await far.cache.get('a')).toBeUndefined();
    });

    it('an instance that is alone sends nothing of what it commits, until another one joins', async () => {
      const world = new InstancesWorld();
      const carrier = new InMemoryBackplane(world.clock);
      const first = await world.start({ backplane: carrier.end() });
      const sent = (): number => first.cache.stats().backplane?.sent ?? 0;
      await settle();
      const before = sent();
      await first.cache.set('a', 'old');
      await settle();
      expect(sent()).toBe(before);
      const second = await world.start({ backplane: carrier.end() });
      await second.cache.get('a');
      // No look at the logs has come since.
      await first.cache.set('a', 'new');
      await settle();
      expect(await second.cache.get('a')).toBe('new');
      expect(second.cache.stats().backplane?.received).toBe(1);
      await second.engine.stop();
      await world.clock.advance(500);
      const after = sent();
      await first.cache.set('a', 'newer');
      await settle();
      expect(sent()).toBe(after);
    });

    it('a commit whose note is too long for a message shows at once, too', async () => {
      const keys = Array.from({ length: 60 }, (_, i) => `${'k'.repeat(200)}${i}`);
      await far.cache.getMany(keys);
      await near.cache.setMany(keys.map((key) => [key, 'new']));
      await settle();
      expect(await far.cache.get(keys[7] as string)).toBe('new');
    });

    it('what is committed while it is away shows with a look, and at once when it is back', async () => {
      wire.goAway();
      await near.cache.set('a', 'new');
      await clock.advance(500);
      expect(await far.cache.get('a')).toBe('new');
      wire.heal();
      await clock.advance(10_000);
      await near.cache.set('a', 'newer');
      await settle();
      expect(await far.cache.get('a')).toBe('newer');
      expect(far.log.with('The backplane (')).toEqual([
        expect.stringMatching(/^warn: .* is down: /),
        expect.stringMatching(/^log: .* is up, after it was down for \d+\.\d s\.$/),
      ]);
    });

    it('the line that it is down names it once', async () => {
      let become: BackplaneChannel['onState'] = () => undefined;
      const backplane = new SilentBackplane();
      backplane.open = async (channel) => {
        become = (state, error) => channel.onState(state, error);
        channel.onState('up');
      };
      const { log } = await start({ backplane });
      become('down', new Error('The backplane (silent) has not taken a text'));
      expect(log.with('is down')).toEqual([
        expect.stringMatching(/^warn: The backplane \(silent\) is down: It has not taken a text\. Until /),
      ]);
    });

    it('the stats of each shared namespace tell how many messages came and went, and how often it was away', async () => {
      const before = far.cache.stats().backplane;
      expect(before).toMatchObject({ isUp: true, lost: 0, outages: 0 });
      await near.cache.set('a', 'new');
      await settle();
      expect(far.cache.stats().backplane?.received).toBe((before?.received ?? 0) + 1);
      expect(near.cache.stats().backplane?.sent).toBeGreaterThan(0);
      expect(near.drafts.stats().backplane).toEqual(near.cache.stats().backplane);
      wire.goAway();
      await settle();
      expect(far.cache.stats().backplane).toMatchObject({ isUp: false, outages: 1 });
      wire.heal();
      await clock.advance(10_000);
      expect(far.cache.stats().backplane).toMatchObject({ isUp: true, outages: 1 });
    });

    it('a message that comes twice, or in another order, takes nothing back', async () => {
      const texts: string[] = [];
      const heard = new Promise<void>((resolve) => {
        void wire.end().open({
          name: channelNameOf(near.storage.describe()),
          onMessage: (text) => texts.push(text),
          onState: (state) => state === 'up' && resolve(),
        });
      });
      await clock.advance(10);
      await heard;
      await near.cache.set('a', '1');
      await near.cache.set('a', '2');
      await settle();
      expect(await far.cache.get('a')).toBe('2');
      expect(texts).toHaveLength(2);
      const again = wire.end();
      await again.open({
        name: channelNameOf(near.storage.describe()),
        onMessage: () => 0,
        onState: () => 0,
      });
      for (const text of [...texts].toReversed()) await again.publish(text);
      await settle();
      expect(await readsOf(far, async () => expect(await far.cache.get('a')).toBe('2'))).toBe(0);
    });

    it('what is no message of an instance does no harm', async () => {
      const stranger = wire.end();
      await stranger.open({
        name: channelNameOf(near.storage.describe()),
        onMessage: () => 0,
        onState: () => 0,
      });
      for (const text of ['', '{', 'null', '{"w":1}', '{"w":"x","n":2,"c":{}}', '[]'])
        await stranger.publish(text);
      await settle();
      expect(await far.cache.get('a')).toBe('old');
    });

    it('a message that no instance has sent hides no commit', async () => {
      const stranger = wire.end();
      await stranger.open({
        name: channelNameOf(near.storage.describe()),
        onMessage: () => 0,
        onState: () => 0,
      });
      const head = (await rows.heads()).find(({ n }) => n > 0);
      const forged = `{"w":${head?.writer},"n":2,"v":1,"s":1,"c":{"settings":["b"]}}`;
      // With a seal that is somebody else's.
      await stranger.publish('x'.repeat(22) + forged);
      await settle();
      await near.cache.set('a', 'new');
      await settle();
      expect(await far.cache.get('a', { fresh: true })).toBe('new');
    });

    it('a connection that is open and carries nothing is made anew', async () => {
      const silent = new SilentBackplane();
      const deaf = await start({ backplane: silent });
      for (let i = 0; i < 10; i += 1) {
        await deaf.cache.get('a');
        await clock.advance(500);
      }
      expect(silent.reconnects).toBeGreaterThan(0);
    });

    it('a look comes twice a second, and ten times where it is away', async () => {
      const looks = vi.spyOn(far.storage as Required<Pick<ChaosStorage, 'heads'>>, 'heads');
      const during = async (ms: number): Promise<number> => {
        looks.mockClear();
        for (let i = 0; i < ms; i += 100) {
          await far.cache.get('a');
          await clock.advance(100);
        }
        return looks.mock.calls.length;
      };
      expect(await during(2000)).toBe(4);
      wire.goAway();
      await clock.advance(500);
      expect(await during(2000)).toBe(20);
    });
  });

  it('a look that the stop cuts short is no outage', async () => {
    let cutShort = (): void => undefined;
    const look = vi
      .spyOn(other.storage as Required<Pick<ChaosStorage, 'heads'>>, 'heads')
      .mockImplementationOnce(
        () =>
          new Promise((_resolve, reject) => {
            cutShort = () => reject(new Error('The storage is closed.'));
          }),
      );
    await clock.advance(100);
    expect(look).toHaveBeenCalledOnce();
    await other.engine.stop();
    cutShort();
    await settle();
    expect(other.log.with('what other instances have changed')).toEqual([]);
  });

  describe('while the database is away', () => {
    beforeEach(async () => {
      await other.cache.set('a', '1');
      other.storage.failReads(Infinity);
    });

    it('memory answers for staleWhileDownMs, which the figures say, and then no more', async () => {
      await clock.advance(2001);
      expect(await other.cache.get('a')).toBe('1');
      expect(other.cache.getIfPresent('a')).toBe('1');
      expect(other.cache.stats().unconfirmed).toBe(2);
      // The first look that has failed began 100 ms after the last one that has not.
      await clock.advance(58_000);
      expect(await other.cache.get('a')).toBe('1');
      await clock.advance(100);
      await expect(other.cache.get('a')).rejects.toMatchObject({ code: 'READ_FAILED' });
      expect(other.cache.getIfPresent('a')).toBeUndefined();
    });

    it('memory does not answer when the machine has slept for longer than that', async () => {
      await clock.advance(2001);
      expect(await other.cache.get('a')).toBe('1');
      // Its monotonic clock stood still meanwhile.
      clock.stepWall(100_000);
      expect(other.cache.getIfPresent('a')).toBeUndefined();
      await expect(other.cache.get('a')).rejects.toMatchObject({ code: 'READ_FAILED' });
    });

    it('the log says so once, and once that it is over; health says since when', async () => {
      await clock.advance(30_000);
      expect(await other.engine.health()).toMatchObject({
        unconfirmedSince: 1_000_100,
        instances: 2,
        reasons: expect.arrayContaining([
          'What other instances change has not been seen for 30 s.',
        ]) as unknown,
      });
      other.storage.heal();
      await clock.advance(30_000);
      expect(other.log.with('what other instances have changed')).toEqual([
        expect.stringMatching(/^warn: .*can't be asked.*60000 ms/),
        expect.stringMatching(/^log: .*can be asked again/),
      ]);
      expect(await other.engine.health()).toMatchObject({ status: 'up', unconfirmedSince: undefined });
    });

    it('a database that does not answer at all counts as away, and since when it was asked', async () => {
      const answer = holdAnswer(one.storage, 'heads');
      await one.cache.set('b', '1');
      await clock.advance(5000);
      for (let i = 0; i < 2; i += 1) {
        const reading = one.cache.get('b');
        await clock.advance(250);
        expect(await reading).toBe('1');
        await clock.advance(2000);
      }
      const health = one.engine.health();
      // It looks again, and waits for that no longer.
      await clock.advance(800);
      const { unconfirmedSince = 0 } = await health;
      expect(unconfirmedSince).toBeLessThan(clock.now() - 6000);
      expect(one.log.with('what other instances have changed')).toHaveLength(1);
      answer();
      await settle();
      expect(await one.engine.health()).toMatchObject({ unconfirmedSince: undefined });
    });

    it('a read that must be fresh rejects, and is told of no time that would help it', async () => {
      await expect(other.cache.get('a', { fresh: true })).rejects.toMatchObject({
        code: 'READ_FAILED',
        message: expect.not.stringContaining('raise staleWhileDownMs') as string,
      });
    });

    it('memory does not answer at all where staleWhileDownMs is 0', async () => {
      const strict = await start({ staleWhileDownMs: 0 });
      await strict.cache.get('a');
      strict.storage.failReads(Infinity);
      await clock.advance(2001);
      await expect(strict.cache.get('a')).rejects.toMatchObject({ code: 'READ_FAILED' });
    });

    it('a slow one is waited for as long as it takes where staleWhileDownMs is 0', async () => {
      const strict = await start({ staleWhileDownMs: 0 });
      await strict.cache.get('a');
      await clock.advance(13_000);
      await one.cache.set('a', '2');
      const answer = holdAnswer(strict.storage, 'heads');
      const reading = strict.cache.get('a');
      await clock.advance(10_000);
      answer();
      expect(await reading).toBe('2');
    });

    it('what others have changed meanwhile shows as soon as it is back', async () => {
      await clock.advance(5000);
      await one.cache.set('a', '2');
      other.storage.heal();
      await clock.advance(100);
      expect(await other.cache.get('a')).toBe('2');
    });
  });

  it('a slow database is waited for 250 ms, and then memory answers', async () => {
    await other.cache.set('a', '1');
    await clock.advance(13_000);
    other.storage.delay(1000, 'reads');
    let isAnswered = false;
    const reading = other.cache.get('a').finally(() => {
      isAnswered = true;
    });
    await clock.advance(249);
    expect(isAnswered).toBe(false);
    await clock.advance(1);
    expect(await reading).toBe('1');
  });

  it('memory answers for maxStaleMs after the last look, which is 2 s by default, and no longer', async () => {
    await other.cache.set('a', '1');
    await clock.advance(100);
    other.storage.hang('reads');
    await clock.advance(1999);
    expect(other.cache.getIfPresent('a')).toBe('1');
    await clock.advance(1);
    expect(other.cache.getIfPresent('a')).toBeUndefined();
    expect(other.cache.stats().unconfirmed).toBe(0);
  });

  it('an application that is idle keeps its memory warm, and looks before it answers', async () => {
    await one.cache.set('a', '1');
    await clock.advance(100);
    await other.cache.get('a');
    for (let minutes = 0; minutes < 20; minutes += 2) {
      await clock.advance(120_000);
      expect(await readsOf(other, async () => expect(await other.cache.get('a')).toBe('1'))).toBe(0);
    }
    // Some time after its last look, which came with a beat.
    await clock.advance(125_000);
    await one.cache.set('a', '2');
    expect(await other.cache.get('a')).toBe('2');
  });

  it('getIfPresent() of an application that is idle says nothing, and has it looked what others have changed', async () => {
    await one.cache.setMany([
      ['a', '1'],
      ['b', '1'],
    ]);
    await clock.advance(100);
    await other.cache.getMany(['a', 'b']);
    await clock.advance(13_000);
    await one.cache.set('b', '2');
    expect(other.cache.getIfPresent('a')).toBeUndefined();
    expect(other.cache.getIfPresent('b')).toBeUndefined();
    await settle();
    expect(other.cache.getIfPresent('a')).toBe('1');
    expect(other.cache.getIfPresent('b')).toBeUndefined();
  });

  it('an instance that was suspended for long drops what it holds, and is known anew', async () => {
    await other.cache.set('a', '1');
    const before = (await rows.heads()).length;
    // Nothing of it runs, and the others take it for dead.
    const [{ writer } = { writer: 0 }] = (await rows.heads()).slice(-1);
    await rows.remove(writer);
    clock.stepWall(300_000);
    await one.cache.set('a', '2');
    const written = other.cache.set('b', 'mine');
    await clock.advance(100);
    await written;
    expect(await other.cache.get('a')).toBe('2');
    expect(await rows.heads()).toHaveLength(before);
    expect(other.log.with('taken this one for dead')).toHaveLength(1);
  });

  it('instances that have stopped or died leave the log after a while, and notes that nobody needs go', async () => {
    await one.engine.stop();
    await other.cache.set('a', '1');
    for (let i = 0; i < 12; i += 1) {
      await clock.advance(30_000);
      await other.cache.set('a', String(i));
    }
    const heads = await rows.heads();
    expect(heads).toHaveLength(1);
    const notes = await rows.notesSince([{ writer: heads[0]?.writer ?? 0, n: 0 }], 1000);
    expect(notes.length).toBeLessThan(8);
    expect(notes.length).toBeGreaterThan(2);
  });
});
