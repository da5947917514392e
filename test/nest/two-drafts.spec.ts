import { describe, expect, it } from 'vitest';
import { SHOP_DATABASES, Shops, type Shop } from '../support/shops.js';

const shops = new Shops();

/** Rows of an ON_SHUTDOWN namespace that both know. */
async function startWith(
  storage: Parameters<Shops['start']>[0]['storage'],
  entries: readonly [key: string, value: number][],
): Promise<[Shop, Shop]> {
  const [one, other] = await shops.startTwo({ storage });
  await one.drafts.setMany(entries);
  await one.drafts.flush();
  for (const [key, value] of entries) expect(await other.drafts.get(key, { fresh: true })).toBe(value);
  return [one, other];
}

/** What the shop answers once it has seen what is committed by now. */
const seen = async ({ drafts }: Shop, keys: readonly string[]): Promise<(number | undefined)[]> => {
  await drafts.get('of nobody', { fresh: true });
  return drafts.getMany(keys);
};

describe.each(SHOP_DATABASES)('an ON_SHUTDOWN namespace of two applications on $name', ({ newStorage }) => {
  it('that one clears loses its rows, and keeps what is dirty in the other, which counts the conflict', async () => {
    const [one, other] = await startWith(await newStorage(), [
      ['a', 1],
      ['b', 1],
    ]);
    await other.drafts.set('b', 2);
    await one.drafts.clear();
    await one.drafts.flush();
    await expect.poll(() => seen(other, ['a', 'b'])).toEqual([undefined, 2]);
    await other.drafts.flush();
    expect(other.drafts.stats().conflicts).toBe(1);
    await expect.poll(() => seen(one, ['a', 'b'])).toEqual([undefined, 2]);
  });

  it('has an entry under its new name in both when one has renamed it, whatever the other has made of it', async () => {
    const [one, other] = await startWith(await newStorage(), [['a', 1]]);
    expect(await other.drafts.rename('a', 'b')).toBe(true);
    await one.drafts.set('a', 2);
    await one.drafts.flush();
    await other.drafts.flush();
    expect(other.drafts.stats().conflicts).toBe(1);
    for (const shop of [one, other]) await expect.poll(() => seen(shop, ['a', 'b'])).toEqual([undefined, 1]);
  });

  it('loses the keys with a prefix in both when one removes them, and no other key has to be read again', async () => {
    const [one, other] = await startWith(await newStorage(), [
      ['a1', 1],
      ['a2', 1],
      ['b1', 1],
    ]);
    const before = other.drafts.stats().storageReads;
    expect(await one.drafts.deletePrefix('a')).toBe(2);
    await one.drafts.flush();
    await expect.poll(() => other.drafts.get('a1')).toBeUndefined();
    const reads = other.drafts.stats().storageReads;
    expect(reads - before).toBeLessThanOrEqual(1);
    expect(await other.drafts.get('b1')).toBe(1);
    expect(other.drafts.stats().storageReads).toBe(reads);
  });

  it('has after loadFromDatabase() what was committed before it, and what is dirty', async () => {
    const [one, other] = await startWith(await newStorage(), [['a', 1]]);
    await other.drafts.set('mine', 1);
    await one.carts.set('k', 0);
    let acknowledged = 0;
    const over = new AbortController();
    const writing = (async () => {
      while (!over.signal.aborted) {
        await one.carts.set('k', acknowledged + 1);
        acknowledged += 1;
      }
    })();
    for (let load = 0; load < 5; load += 1) {
      const before = acknowledged;
      await other.cache.loadFromDatabase();
      expect(await other.carts.get('k')).toBeGreaterThanOrEqual(before);
    }
    over.abort();
    await writing;
    await one.drafts.update('a', () => 2);
    await one.drafts.flush();
    await other.cache.loadFromDatabase();
    expect(await other.drafts.getMany(['a', 'mine'])).toEqual([2, 1]);
    expect(other.drafts.stats().dirty).toBe(1);
  });
});
