import assert from 'node:assert/strict';
import { MAX_TEXT_BYTES } from '../../index.js';
import type { BackplaneCase } from './backplane-case.js';

/** Texts that a carrier may stumble over. */
const DELICATE: readonly (readonly [string, string])[] = [
  ['JSON', '{"v":1,"w":42,"n":7,"c":{"sessions":["a","b"],"chats":true}}'],
  ['quotes, backslashes and signs of formats', `'"\`\\ $1 %s :a ?`],
  ['line breaks and control characters', 'a\nb\r\nc\td\u0001\u007f'],
  ['letters of other scripts and emoji', 'Привет, 世界, 🐘👩‍👩‍👧, é, e\u0301'],
  ['spaces around', '  a  '],
  ['as many bytes as a text may have, of one byte each', 'x'.repeat(MAX_TEXT_BYTES)],
  ['as many bytes as a text may have, of four bytes each', '🐘'.repeat(MAX_TEXT_BYTES / 4)],
];

/** What is carried, to whom, and in which order. */
export function carriedTexts({ it, openEnd, openEnds, newChannel }: BackplaneCase): void {
  it('carries a text to every end that is open, and to its sender', async () => {
    const ends = await openEnds(3);
    await ends[1]?.publish('a');
    for (const end of ends) {
      await end.heard(1);
      assert.deepEqual(end.texts, ['a']);
    }
  });

  it('carries what one end sends in the order in which it was sent', async () => {
    const ends = await openEnds(2);
    const sent = Array.from({ length: 200 }, (_, i) => `text ${i}`);
    for (const text of sent) await ends[0]?.publish(text);
    for (const end of ends) {
      await end.heard(sent.length);
      assert.deepEqual(end.texts, sent);
    }
  });

  it('carries what several ends send at once, that of each in its order', async () => {
    const ends = await openEnds(3);
    const sendAll = async (sender: number): Promise<void> => {
      for (let i = 0; i < 50; i += 1) await ends[sender]?.publish(`${sender} ${i}`);
    };
    await Promise.all(ends.map((_end, sender) => sendAll(sender)));
    for (const end of ends) {
      await end.heard(150);
      for (const sender of ends.keys()) {
        const own = end.texts.filter((text) => text.startsWith(`${sender} `));
        assert.deepEqual(
          own,
          Array.from({ length: 50 }, (_, i) => `${sender} ${i}`),
        );
      }
    }
  });

  it('carries nothing to another channel', async () => {
    const [here, there] = [await openEnd(), await openEnd(newChannel())];
    await here.hearsItself('here');
    await there.hearsItself('there');
    await here.hearsItself('here again');
    assert.deepEqual(here.texts, ['here', 'here again']);
    assert.deepEqual(there.texts, ['there']);
  });

  for (const [what, text] of DELICATE) {
    it(`carries a text as it is: ${what}`, async () => {
      const [sender, receiver] = [await openEnd(), await openEnd()];
      await sender.publish(text);
      await receiver.heard(1);
      assert.deepEqual(receiver.texts, [text]);
    });
  }
}
