import { beforeEach, describe, expect, it } from 'vitest';
import { InMemoryBackplane } from '../../src/testing/index.js';
import { settle, type FakeClock } from '../support/fake-clock.js';
import { holdAnswer, holdCall, InstancesWorld, type Instance } from '../support/instances-world.js';

/** What the simulator of several processes has found, each in the fewest steps. */
describe('beside other instances', () => {
  let world: InstancesWorld;
  let clock: FakeClock;
  let one: Instance;
  let other: Instance;

  beforeEach(async () => {
    world = new InstancesWorld();
    ({ clock } = world);
    one = await world.start();
    other = await world.start();
  });

  it('a look whose first question got lost is made in full', async () => {
    // The storage says once that something has changed, and nobody hears it.
    let seen = 0;
    let isLost = false;
    const third = await world.start({}, (storage) => {
      const hasChanged = async (): Promise<boolean> => {
        const committed = one.storage.committed.length;
        const changed = committed !== seen;
        seen = committed;
        if (isLost) throw new Error('Nobody hears it.');
        return changed;
      };
      return Object.assign(storage, { hasChanged });
    });
    await third.cache.get('a');
    await one.cache.set('a', '1');
    isLost = true;
    await clock.advance(100);
    isLost = false;
    await clock.advance(100);
    expect(await third.cache.get('a')).toBe('1');
  });

  it('a message that comes while logs are read is no reason to drop what memory holds', async () => {
    const wire = new InMemoryBackplane(clock);
    const near = await world.start({ backplane: wire.end() });
    const far = await world.start({ backplane: wire.end() });
    await near.cache.set('a', '1');
    await settle();
    await far.cache.get('a');
    const answer = holdAnswer(far.storage, 'heads');
    await clock.advance(500);
    // The logs were as they are without this one.
    await near.cache.set('b', '1');
    await settle();
    answer();
    await settle();
    expect(far.cache.getIfPresent('a')).toBe('1');
    expect(far.cache.stats().storageReads).toBe(1);
    expect(await far.cache.get('b')).toBe('1');
  });

  it('who was told what there is finds nothing older in memory', async () => {
    expect(await other.cache.get('a')).toBeUndefined();
    await one.cache.set('a', '1');
    expect(await other.cache.setIfAbsent('a', '2')).toBe(false);
    expect(await other.cache.get('a')).toBe('1');
    await one.cache.set('a', '3');
    expect(await other.cache.update('a', (value) => value ?? '')).toBe('3');
    expect(await other.cache.get('a')).toBe('3');
    await one.cache.delete('a');
    expect(await other.cache.delete('a')).toBe(false);
    expect(await other.cache.get('a')).toBeUndefined();
  });

  it('who has refreshed finds nothing older in memory, though a commit of its own has ended meanwhile', async () => {
    const answer = holdAnswer(other.storage, 'write');
    const written = other.cache.set('a', 'mine');
    await settle();
    await one.cache.set('a', 'theirs');
    const answerRead = holdAnswer(other.storage, 'read');
    const refreshed = other.cache.refresh('a');
    await settle();
    answer();
    await written;
    answerRead();
    expect(await refreshed).toBe('theirs');
    expect(await other.cache.get('a')).toBe('theirs');
  });

  it.each<[string, (cache: Instance['cache']) => Promise<unknown>, string | undefined]>([
    ['has written', (cache) => cache.set('a', 'theirs'), 'theirs'],
    ['has removed', (cache) => cache.delete('a'), undefined],
  ])(
    'who was told what another one %s over a commit of its own finds nothing older when that is answered',
    async (_, write, left) => {
      const answer = holdAnswer(other.storage, 'write');
      const written = other.cache.set('a', 'mine');
      await settle();
      await write(one.cache);
      expect(await other.cache.refresh('a')).toBe(left);
      answer();
      await written;
      expect(await other.cache.get('a')).toBe(left);
    },
  );

  it('a commit that was seen before it is answered is kept in memory', async () => {
    await other.cache.set('a', '1');
    const answer = holdAnswer(other.storage, 'write');
    const written = other.cache.update('a', () => '2');
    await settle();
    expect(await other.cache.refresh('a')).toBe('2');
    answer();
    await written;
    expect(other.cache.getIfPresent('a')).toBe('2');
  });

  it('a read that must be fresh sees a commit of its own instance that is not answered yet', async () => {
    await other.cache.set('a', '1');
    const answer = holdAnswer(other.storage, 'write');
    const written = other.cache.set('a', '2');
    await settle();
    expect(await one.cache.refresh('a')).toBe('2');
    const reading = other.cache.get('a', { fresh: true });
    await clock.advance(1);
    expect(await reading).toBe('2');
    answer();
    await written;
  });

  it('a read that must be fresh does not take the answer of one that was under way', async () => {
    await one.cache.set('a', '1');
    await clock.advance(100);
    const answer = holdAnswer(other.storage, 'read');
    const early = other.cache.get('a');
    await settle();
    await one.cache.set('a', '2');
    const reading = other.cache.get('a', { fresh: true });
    await settle();
    expect(await reading).toBe('2');
    answer();
    expect(await early).toBe('1');
  });

  /** Has `other` know 1, and begin a look before `one` sets 2. Gives how to let the database answer that look. */
  async function beginLookBeforeWrite(): Promise<() => void> {
    await one.cache.set('a', '1');
    await clock.advance(100);
    expect(await other.cache.get('a')).toBe('1');
    const answer = holdAnswer(other.storage, 'heads');
    await clock.advance(100);
    await one.cache.set('a', '2');
    return answer;
  }

  it('a read that must be fresh does not take the word of a look that was under way', async () => {
    const answer = await beginLookBeforeWrite();
    const reading = other.cache.get('a', { fresh: true });
    await settle();
    answer();
    expect(await reading).toBe('2');
  });

  it('a look that took long confirms what there was when it began', async () => {
    const answer = await beginLookBeforeWrite();
    await clock.advance(1500);
    // The database answers that one look, and none after it.
    other.storage.hang('reads');
    answer();
    await clock.advance(499);
    expect(other.cache.getIfPresent('a')).toBe('1');
    await clock.advance(1);
    expect(other.cache.getIfPresent('a')).toBeUndefined();
  });

  describe('of two reads that are under way at once, of which the later one was answered first by the database', () => {
    it.each(['cache', 'drafts'] as const)('none takes back what the other has found (%s)', async (where) => {
      await one[where].set('a', '1');
      await one[where].flush();
      await clock.advance(100);
      const ask = holdCall(other.storage, 'read');
      const first = other[where].get('a');
      await settle();
      const answer = holdAnswer(other.storage, 'read');
      const second = other[where].refresh('a');
      await settle();
      await one[where].set('a', '2');
      await one[where].flush();
      ask();
      expect(await first).toBe('2');
      const third = other[where].get('a');
      answer();
      await second;
      expect(await third).toBe('2');
      expect(await other[where].get('a')).toBe('2');
    });
  });

  it('what a listing has shown is not older when it is read', async () => {
    await one.cache.set('a', '1');
    await clock.advance(100);
    expect(await other.cache.get('a')).toBe('1');
    await one.cache.set('a', '2');
    const listed: [string, string][] = [];
    for await (const entry of other.cache.scan()) listed.push(entry);
    expect(listed).toEqual([['a', '2']]);
    expect(await other.cache.get('a')).toBe('2');
  });

  it('nobody takes the answer of a read, or of a load, that has been under way for longer than maxStaleMs', async () => {
    await one.cache.set('a', '1');
    const slow = await world.start({ maxStaleMs: 150, pollMs: 10_000 });
    for (const read of [() => slow.cache.get('a'), () => slow.cache.getOrLoad('a', () => 'loaded')]) {
      await one.cache.set('a', 'older');
      // Being told that there is something else, it forgets what it had.
      await slow.cache.setIfAbsent('a', 'none');
      const answer = holdAnswer(slow.storage, 'read');
      const early = read();
      await settle();
      await one.cache.set('a', 'new');
      await clock.advance(151);
      const late = read();
      await settle();
      answer();
      expect(await early).toBe('older');
      expect(await late).toBe('new');
    }
  });

  it('an own clear that ends during a load leaves open what others have written behind it', async () => {
    const answer = holdAnswer(other.storage, 'clear');
    const cleared = other.cache.clear();
    await settle();
    await one.cache.set('a', '1');
    await clock.advance(100);
    const answerLoad = holdAnswer(other.storage, 'load');
    const loaded = other.engine.loadFromDatabase();
    await settle();
    answer();
    await cleared;
    answerLoad();
    await loaded;
    expect(await other.cache.get('a')).toBe('1');
  });

  it('what is read to settle a doubt is not kept where others have written meanwhile', async () => {
    await other.cache.set('a', '0');
    // Each attempt commits, and is reported as failed; what the log says of it can't be read.
    other.storage.liesAboutCommits = true;
    other.storage.failReads(Infinity);
    const written = other.cache.set('a', 'mine');
    written.catch(() => undefined);
    await clock.advance(11_000);
    await expect(written).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    other.storage.liesAboutCommits = false;
    other.storage.heal();
    const answer = holdAnswer(other.storage, 'read');
    await clock.advance(30_000);
    await one.cache.set('a', 'theirs');
    await other.cache.get('b', { fresh: true });
    await clock.advance(100);
    answer();
    await settle();
    expect(await other.cache.get('a')).toBe('theirs');
  });

  describe('while the database is away', () => {
    it('one that does not answer counts as away since it was asked', async () => {
      const strict = await world.start({ staleWhileDownMs: 5000 });
      await strict.cache.set('a', '1');
      await clock.advance(100);
      strict.storage.hang('reads');
      await clock.advance(8000);
      const reading = strict.cache.get('a');
      reading.catch(() => undefined);
      await clock.advance(250);
      await expect(reading).rejects.toMatchObject({ code: 'READ_FAILED' });
    });

    it('memory that no beat has confirmed for long does not answer as if the outage had just begun', async () => {
      const strict = await world.start({ staleWhileDownMs: 5000 });
      await strict.cache.set('a', '1');
      // The application is idle; its beats fail.
      await clock.advance(20_000);
      strict.storage.failReads(Infinity);
      strict.storage.failWrites(Infinity);
      await clock.advance(130_000);
      await expect(strict.cache.get('a')).rejects.toMatchObject({ code: 'READ_FAILED' });
    });

    it('the log says so, though nobody has read anything', async () => {
      await other.cache.set('a', '1');
      await clock.advance(20_000);
      other.storage.failReads(Infinity);
      other.storage.failWrites(Infinity);
      await clock.advance(60_000);
      expect(other.log.with('what other instances have changed')).toHaveLength(1);
    });

    it('a look that failed a while ago is no reason to answer with what may be old', async () => {
      await other.cache.set('a', '1');
      await clock.advance(20_000);
      // The beat alone looks, and finds it away, once.
      other.storage.failReads(Infinity);
      await clock.advance(12_000);
      other.storage.heal();
      await one.cache.set('a', '2');
      await clock.advance(5000);
      expect(await other.cache.get('a')).toBe('2');
    });
  });

  it('whoever looks at a log while it is removed with its instance drops what it had in memory', async () => {
    await one.cache.set('a', '1');
    await clock.advance(100);
    expect(await other.cache.get('a')).toBe('1');
    const { writer = 0 } = (await world.rows.heads()).find(({ n }) => n > 0) ?? {};
    await one.cache.set('a', '2');
    // Its head tells of one note more, which is gone when it is asked for.
    const answer = holdAnswer(other.storage, 'heads');
    await clock.advance(100);
    await world.rows.remove(writer);
    answer();
    await settle();
    expect(await other.cache.get('a')).toBe('2');
  });

  describe('who stands still', () => {
    it('in the middle of a look for longer than notes are kept begins anew', async () => {
      const strict = await world.start({ staleWhileDownMs: 0 });
      await strict.cache.set('a', '1');
      await clock.advance(20_000);
      const answer = holdAnswer(strict.storage, 'heads');
      const reading = strict.cache.get('a');
      await settle();
      // Meanwhile another one writes, and its notes are removed.
      await one.cache.set('a', '2');
      const [{ writer } = { writer: 0 }] = await world.rows.heads();
      await one.cache.set('b', '2');
      await world.rows.trimLog({ writer, n: 1 });
      clock.stepWall(200_000);
      answer();
      await clock.advance(1);
      expect(await reading).toBe('2');
    });

    it('takes nobody for dead by what it had seen before', async () => {
      await clock.advance(30_000);
      // Its looks fail, and its beats do not.
      other.storage.failReads(Infinity);
      await clock.advance(150_000);
      expect(one.log.with('taken this one for dead')).toEqual([]);
    });
  });
});
