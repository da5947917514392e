import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InMemoryStorage } from '../../../src/index.js';
import { TestClock } from '../../../src/testing/index.js';
import { TestBot } from '../../e2e/support/test-bot.js';

/** A chat in which somebody writes every two minutes or so, and not when a beat has just come. */
const PAUSE_MS = 125_000;

describe('a bot beside another one, in a quiet chat', () => {
  let clock: TestClock;
  let bot: TestBot;
  let other: TestBot;

  beforeEach(async () => {
    clock = new TestClock();
    const storage = new InMemoryStorage();
    const options = { instances: 'many', clock } as const;
    bot = await new TestBot(storage, options).start();
    other = await new TestBot(storage, options).start();
    await bot.say('/remember tea Oolong');
    await bot.say('/set language German');
  });
  afterEach(async () => {
    await bot.stop();
    await other.stop();
  });

  const reads = (): number => bot.cache.namespaces().reduce((sum, { stats }) => sum + stats.storageReads, 0);

  it('answers from memory, which the beat keeps warm between the messages', async () => {
    await clock.advance(PAUSE_MS);
    await bot.say('/recall');
    const before = reads();
    for (let message = 0; message < 10; message += 1) {
      await clock.advance(PAUSE_MS);
      expect(await bot.say('/recall')).toBe('tea = Oolong');
      expect(await bot.say('/settings')).toBe('language = German');
    }
    expect(reads()).toBe(before);
  });

  it('answers with what the other one has been told since the last message', async () => {
    await clock.advance(PAUSE_MS);
    expect(await bot.say('/recall')).toBe('tea = Oolong');
    await clock.advance(PAUSE_MS);
    await other.say('/remember tea Sencha');
    expect(await bot.say('/recall')).toBe('tea = Sencha');
  });
});
