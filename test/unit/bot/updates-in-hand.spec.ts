import type { Update } from 'grammy/types';
import { describe, expect, it } from 'vitest';
import { UpdatesInHand } from '../../../src/bot/telegram/updates-in-hand.js';

const update = (id: number): Update => ({ update_id: id });
const ids = (updates: readonly Update[]): number[] => updates.map(({ update_id: id }) => id);

describe('the offset that confirms updates', () => {
  it('never passes one that is not handled', () => {
    const inHand = new UpdatesInHand();
    inHand.admit([5, 6, 7].map(update));
    inHand.handled(update(6));
    inHand.handled(update(7));
    expect(inHand.offset).toBe(0);
    inHand.handled(update(5));
    expect(inHand.offset).toBe(8);
  });

  it('lets a batch through that Telegram counts from a lower number', () => {
    const inHand = new UpdatesInHand();
    inHand.admit([update(900)]);
    inHand.handled(update(900));
    inHand.confirmed(901);
    expect(ids(inHand.admit([update(5)]))).toEqual([5]);
    inHand.handled(update(5));
    expect(inHand.offset).toBe(6);
  });
});

describe('an update that comes with every fetch until it is confirmed', () => {
  it('is new once', () => {
    const inHand = new UpdatesInHand();
    expect(ids(inHand.admit([5, 6].map(update)))).toEqual([5, 6]);
    inHand.handled(update(5));
    expect(ids(inHand.admit([5, 6, 7].map(update)))).toEqual([7]);
    inHand.confirmed(6);
    expect(ids(inHand.admit([6, 7].map(update)))).toEqual([]);
  });

  it('is not new in the reply to a fetch from before it was handled', () => {
    const inHand = new UpdatesInHand();
    inHand.admit([update(5)]);
    const { offset } = inHand;
    inHand.handled(update(5));
    inHand.confirmed(offset);
    expect(inHand.admit([update(5)])).toEqual([]);
  });
});
