import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestBot } from '../../e2e/support/test-bot.js';

describe('a message that is delivered again', () => {
  let bot: TestBot;
  beforeEach(async () => {
    bot = await new TestBot().start();
  });
  afterEach(() => bot.stop());

  it('is answered the same again if it was the last one, over a restart too', async () => {
    await bot.say('/remember tea Oolong', { update: 1 });
    expect(await bot.say('/forget tea', { update: 2 })).toBe('Forgotten: tea');
    expect(await bot.say('/forget tea', { update: 2 })).toBe('Forgotten: tea');
    await bot.restart();
    expect(await bot.say('/forget tea', { update: 2 })).toBe('Forgotten: tea');
    expect(await bot.say('/forget tea', { update: 3 })).toBe('I remember nothing under tea.');
  });

  it('changes nothing and is not answered if others were handled after it', async () => {
    await bot.say('/remember tea Oolong', { update: 1 });
    await bot.say('/remember tea Assam', { update: 2 });
    expect(await bot.say('/remember tea Oolong', { update: 1 })).toBe('');
    expect(await bot.say('/recall tea', { update: 3 })).toBe('tea = Assam');
    await bot.say('/set language German', { update: 4 });
    await bot.say('/unset language', { update: 5 });
    expect(await bot.say('/set language German', { update: 4 })).toBe('');
    expect(await bot.say('/unset language', { update: 5 })).toBe('Removed the setting language.');
    expect(await bot.say('/settings', { update: 6 })).toContain('no settings yet');
  });

  it('is counted once', async () => {
    for (const update of [1, 2, 1, 2, 3, 3]) await bot.say('hello', { update });
    expect(await bot.cache.getChatInfo(-1)).toMatchObject({ messages: 3 });
  });

  it('is not taken for one that comes after a week of silence, when Telegram counts anew', async () => {
    await bot.say('/remember tea Oolong', { update: 900 });
    const answer = await bot.say('/remember tea Assam', { update: 5, later: 700_000 });
    expect(answer).toBe('I’ll remember: tea = Assam');
    expect(await bot.say('/recall tea')).toBe('tea = Assam');
    expect(await bot.cache.getChatInfo(-1)).toMatchObject({ messages: 3 });
  });

  it('is answered though the dialogue that it ended was ended by the restart', async () => {
    await bot.say('/configure', { update: 1 });
    await bot.say('language', { update: 2 });
    expect(await bot.say('German', { update: 3 })).toBe('Set: language = German');
    await bot.restart();
    expect(await bot.say('language', { update: 2 })).toBe('');
    expect(await bot.say('German', { update: 3 })).toBe('Set: language = German');
  });

  it('is told apart for each user and each chat', async () => {
    await bot.say('/remember tea Assam', { update: 2, userId: 2 });
    expect(await bot.say('/remember tea Oolong', { update: 1 })).toContain('I’ll remember');
    expect(await bot.say('/set tea Oolong', { update: 1, chatId: -2 })).toContain('Set');
    expect(await bot.say('/set tea Assam', { update: 2, chatId: -3 })).toContain('Set');
  });

  it('leaves no trace that a user can see', async () => {
    await bot.say('/remember tea Oolong', { update: 1 });
    await bot.say('/set language German', { update: 2 });
    expect(await bot.say('/recall', { update: 3 })).toBe('tea = Oolong');
    expect(await bot.say('/settings', { update: 4 })).toBe('language = German');
    await bot.say('/forget tea', { update: 5 });
    for (let i = 0; i < 100; i += 1) {
      expect(await bot.say(`/remember key${i} v`, { update: 6 + i })).toContain('I’ll remember');
    }
  });
});
