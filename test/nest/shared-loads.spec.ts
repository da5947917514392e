import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SHOP_DATABASES, Shops, type Shop } from '../support/shops.js';

const KEYS = Array.from({ length: 10 }, (_, i) => `k${i}`);
const ROUNDS = 60;

const shops = new Shops();

/** What values are loaded from: it changes, and then the key is removed. */
class Source {
  readonly #values = new Map(KEYS.map((key) => [key, 0]));

  get(key: string): number {
    return this.#values.get(key) as number;
  }

  async change({ carts }: Shop, key: string, value: number): Promise<void> {
    this.#values.set(key, value);
    await carts.delete(key);
  }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await turn();
}

describe.each(SHOP_DATABASES)(
  'two applications on $name, one of which loads what the other changes',
  ({ newStorage }) => {
    it('keep nothing that was read before a change whose removal is acknowledged', async () => {
      const [one, other] = await shops.startTwo({ storage: await newStorage() });
      const source = new Source();
      /** A load that has read its value before it is changed, and gives it when that is acknowledged, or under way. */
      const race = async (key: string, round: number, isLate: boolean): Promise<void> => {
        let changed: Promise<void> | undefined;
        const loaded = one.carts.getOrLoad(key, async () => {
          const value = source.get(key);
          changed = source.change(other, key, round);
          await (isLate ? changed : turns(round));
          return value;
        });
        await loaded;
        // Where there was something in memory nothing is loaded.
        await (changed ?? source.change(other, key, round));
      };
      for (let round = 1; round <= ROUNDS; round += 1)
        await Promise.all(KEYS.map((key, i) => race(key, round, i % 2 === 0)));
      const stored = (): Promise<(number | undefined)[]> =>
        Promise.all(KEYS.map((key) => other.carts.get(key, { fresh: true })));
      const outdated = async (): Promise<string[]> => {
        const values = await stored();
        return KEYS.filter((key, i) => values[i] !== undefined && values[i] !== source.get(key));
      };
      await expect.poll(outdated).toEqual([]);
      const loadedInQuiet = async (): Promise<(number | undefined)[]> => {
        await Promise.all(KEYS.map((key) => one.carts.getOrLoad(key, () => source.get(key))));
        return stored();
      };
      await expect.poll(loadedInQuiet).toEqual(KEYS.map((key) => source.get(key)));
    });
  },
);
