import { beforeEach, describe, expect, it } from 'vitest';
import { settle } from '../support/fake-clock.js';
import { holdAnswer, holdCall, InstancesWorld, type Instance } from '../support/instances-world.js';

/** A loader that has read what it gives before the test changes that. */
class SlowLoader {
  calls = 0;
  give: (value: string) => void = () => undefined;

  readonly load = (): Promise<string> => {
    this.calls += 1;
    return new Promise((resolve) => {
      this.give = resolve;
    });
  };
}

describe('a load under way while another instance removes its key', () => {
  let world: InstancesWorld;
  let one: Instance;
  let other: Instance;
  let loader: SlowLoader;

  beforeEach(async () => {
    world = new InstancesWorld();
    // Neither looks at the logs by itself.
    one = await world.start({ pollMs: 60_000, maxStaleMs: 30_000 });
    other = await world.start({ pollMs: 60_000, maxStaleMs: 30_000 });
    loader = new SlowLoader();
  });

  async function begunIn({ cache }: Instance, key = 'city'): Promise<{ readonly answer: Promise<string> }> {
    const answer = cache.getOrLoad(key, loader.load);
    await settle();
    expect(loader.calls).toBe(1);
    return { answer };
  }

  it.each([
    ['the key', () => one.cache.delete('city')],
    ['several keys', () => one.cache.deleteMany(['other', 'city'])],
    ['all keys of a prefix', () => one.cache.deletePrefix('ci')],
    ['everything', () => one.cache.clear()],
  ])('stores nothing when that removed %s of which there was no row', async (_, remove) => {
    const { answer } = await begunIn(other);
    await remove();
    loader.give('old');
    expect(await answer).toBe('old');
    expect(await one.cache.get('city', { fresh: true })).toBeUndefined();
    expect(await other.cache.getOrLoad('city', () => 'new')).toBe('new');
  });

  it('stores what it gives when nothing has happened to its key', async () => {
    const { answer } = await begunIn(other);
    await one.cache.delete('another');
    loader.give('found');
    expect(await answer).toBe('found');
    expect(await one.cache.get('city', { fresh: true })).toBe('found');
  });

  it('still says whether the key that was removed was there', async () => {
    expect(await one.cache.delete('city')).toBe(false);
    await other.cache.set('city', 'there');
    expect(await one.cache.delete('city')).toBe(true);
    expect(await one.cache.delete('city')).toBe(false);
  });

  it('answers, and stores nothing written through, where nobody can say what others have changed', async () => {
    const { answer } = await begunIn(other);
    other.storage.failReads(Infinity);
    loader.give('loaded');
    expect(await answer).toBe('loaded');
    other.storage.heal();
    expect(await one.cache.get('city', { fresh: true })).toBeUndefined();
  });

  it('answers after maxStaleMs where the database is silent', async () => {
    const { answer } = await begunIn(other);
    holdAnswer(other.storage, 'heads');
    loader.give('loaded');
    await world.clock.advance(30_000);
    expect(await answer).toBe('loaded');
  });

  it('keeps what is written back while the database is away', async () => {
    const answer = other.drafts.getOrLoad('city', loader.load);
    await settle();
    other.storage.failReads(Infinity);
    loader.give('draft');
    expect(await answer).toBe('draft');
    expect(other.drafts.stats().dirty).toBe(1);
  });

  describe('when that is committed between the look at the logs and the commit of the value', () => {
    /** Has the removal come there, and gives what the load has answered. */
    async function overtaken(remove: () => Promise<unknown>): Promise<string> {
      const { answer } = await begunIn(other);
      const write = holdCall(other.storage, 'write');
      loader.give('old');
      await settle();
      await remove();
      write();
      return answer;
    }

    it.each([
      ['the key', () => one.cache.delete('city')],
      ['all keys of a prefix', () => one.cache.deletePrefix('ci')],
      ['everything', () => one.cache.clear()],
    ])('takes the value back as soon as it is told that %s was removed', async (_, remove) => {
      expect(await overtaken(remove)).toBe('old');
      await other.cache.get('city', { fresh: true });
      await settle();
      expect(await one.cache.get('city', { fresh: true })).toBeUndefined();
      expect(await other.cache.getOrLoad('city', () => 'new')).toBe('new');
    });

    it('takes it back at once if it was told during the commit', async () => {
      const watchful = await world.start({ pollMs: 50, maxStaleMs: 30_000 });
      const { answer } = await begunIn(watchful);
      const write = holdCall(watchful.storage, 'write');
      loader.give('old');
      await settle();
      await one.cache.delete('city');
      await world.clock.advance(50);
      write();
      expect(await answer).toBe('old');
      await watchful.cache.flush();
      expect(await one.cache.get('city', { fresh: true })).toBeUndefined();
    });

    it('leaves alone what was written since, be it the same', async () => {
      await overtaken(() => one.cache.delete('city'));
      await other.cache.set('city', 'old');
      await other.cache.get('city', { fresh: true });
      await other.cache.flush();
      expect(await one.cache.get('city', { fresh: true })).toBe('old');
    });

    it('leaves alone what others have written since', async () => {
      await overtaken(() => one.cache.delete('city'));
      await one.cache.set('city', 'theirs');
      await other.cache.get('city', { fresh: true });
      await other.cache.flush();
      expect(await other.cache.get('city', { fresh: true })).toBe('theirs');
    });

    it('takes it back where nobody has used the cache since, which looks at its beat alone', async () => {
      const idle = await world.start({ maxStaleMs: 2000 });
      const { answer } = await begunIn(idle);
      await world.clock.advance(11_000);
      const write = holdCall(idle.storage, 'write');
      loader.give('old');
      await settle();
      await one.cache.delete('city');
      write();
      expect(await answer).toBe('old');
      await world.clock.advance(30_000);
      await idle.cache.flush();
      expect(await one.cache.get('city', { fresh: true })).toBeUndefined();
    });

    it('takes it back however late it is told, as long as memory answers without a look', async () => {
      await overtaken(() => one.cache.delete('city'));
      await world.clock.advance(29_999);
      await other.cache.get('city', { fresh: true });
      await other.cache.flush();
      expect(await one.cache.get('city', { fresh: true })).toBeUndefined();
    });
  });

  it('that nobody could join any more stores nothing either', async () => {
    const slow = await world.start({ maxStaleMs: 2000 });
    const givers: ((value: string) => void)[] = [];
    const load = (): Promise<string> =>
      new Promise((resolve) => {
        givers.push(resolve);
      });
    // Then it asks the database whether there is a row.
    await one.cache.delete('city');
    await world.clock.advance(200);
    // Its read lasts so long that the next caller asks anew.
    const read = holdAnswer(slow.storage, 'read');
    const first = slow.cache.getOrLoad('city', load);
    await settle();
    await world.clock.advance(2001);
    const second = slow.cache.getOrLoad('city', load);
    await settle();
    read();
    await settle();
    expect(givers).toHaveLength(2);
    await slow.cache.delete('city');
    for (const give of givers) give('old');
    expect(await Promise.all([first, second])).toEqual(['old', 'old']);
    expect(await one.cache.get('city', { fresh: true })).toBeUndefined();
  });
});
