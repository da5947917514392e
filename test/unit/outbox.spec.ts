import { describe, expect, it } from 'vitest';
import { MAX_MESSAGES_BYTES, messagesOf, Outbox } from '../../src/core/sharing/outbox.js';

/** An outbox whose sends end when the test says so. */
class SlowOutbox {
  readonly sent: string[] = [];
  readonly counts: number[] = [];
  readonly lost: { messages: number; error: unknown }[] = [];
  readonly #ends: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  readonly outbox = new Outbox({
    publish: (text) => {
      this.sent.push(text);
      return new Promise((resolve, reject) => {
        this.#ends.push({ resolve, reject });
      });
    },
    onSent: (messages) => this.counts.push(messages),
    onLost: (messages, error) => this.lost.push({ messages, error }),
  });

  /** Ends the send under way, and lets the next one begin. */
  async end(error?: Error): Promise<void> {
    await new Promise(setImmediate);
    const end = this.#ends.shift();
    if (error === undefined) end?.resolve();
    else end?.reject(error);
    await new Promise(setImmediate);
  }
}

describe('an outbox', () => {
  it('sends what is added in one turn together', async () => {
    const slow = new SlowOutbox();
    for (const message of ['a', 'b', 'c']) slow.outbox.add(message);
    await slow.end();
    expect(slow.sent.map(messagesOf)).toEqual([['a', 'b', 'c']]);
    expect(slow.counts).toEqual([3]);
  });

  it('has one send under way, and sends together what comes meanwhile', async () => {
    const slow = new SlowOutbox();
    slow.outbox.add('a');
    await new Promise(setImmediate);
    for (const message of ['b', 'c']) slow.outbox.add(message);
    await new Promise(setImmediate);
    expect(slow.sent).toEqual(['a']);
    expect(slow.outbox.waiting).toBe(2);
    await slow.end();
    expect(slow.sent.map(messagesOf)).toEqual([['a'], ['b', 'c']]);
    await slow.end();
    await slow.outbox.settled();
    expect(slow.counts).toEqual([1, 2]);
  });

  it('fills texts to the last byte of UTF-8, and no further', async () => {
    const slow = new SlowOutbox();
    const half = 'é'.repeat((MAX_MESSAGES_BYTES - 6) / 4);
    // The first three take all that a text may have; the last one is a byte too long for the second text.
    for (const message of [`${half}xxx`, half, 'y', `${half}xxx`, half, 'yy']) slow.outbox.add(message);
    for (let i = 0; i < 3; i += 1) await slow.end();
    expect(slow.sent.map(messagesOf)).toEqual([[`${half}xxx`, half, 'y'], [`${half}xxx`, half], ['yy']]);
    expect(Buffer.byteLength(slow.sent[0] ?? '')).toBe(MAX_MESSAGES_BYTES);
    for (const text of slow.sent) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_MESSAGES_BYTES);
  });

  it('takes a message that fills a text alone, and none that is heavier', async () => {
    const slow = new SlowOutbox();
    slow.outbox.add('x'.repeat(MAX_MESSAGES_BYTES));
    slow.outbox.add('x'.repeat(MAX_MESSAGES_BYTES + 1));
    slow.outbox.add('a');
    await slow.end();
    await slow.end();
    await slow.outbox.settled();
    expect(slow.sent).toEqual(['x'.repeat(MAX_MESSAGES_BYTES), 'a']);
    expect(slow.lost).toEqual([{ messages: 1, error: expect.any(RangeError) as unknown }]);
  });

  it('does not send again what failed, and goes on with the rest', async () => {
    const slow = new SlowOutbox();
    for (const message of ['a', 'b']) slow.outbox.add(message);
    await new Promise(setImmediate);
    slow.outbox.add('c');
    const error = new Error('down');
    await slow.end(error);
    await slow.end();
    await slow.outbox.settled();
    expect(slow.sent.map(messagesOf)).toEqual([['a', 'b'], ['c']]);
    expect(slow.lost).toEqual([{ messages: 2, error }]);
    expect(slow.counts).toEqual([1]);
  });

  it('holds a bounded amount while nothing is sent, and says what it lost', async () => {
    const slow = new SlowOutbox();
    slow.outbox.add('first');
    await new Promise(setImmediate);
    for (let i = 0; i < 1000; i += 1) slow.outbox.add('x'.repeat(2000));
    expect(slow.outbox.waiting).toBe(524);
    expect(slow.lost).toHaveLength(476);
    await slow.end();
    // What was sent makes room.
    const lost = slow.lost.length;
    slow.outbox.add('x'.repeat(2000));
    expect(slow.lost).toHaveLength(lost);
  });
});
