import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestBot } from '../../e2e/support/test-bot.js';

describe('what the bot remembers for a user', () => {
  let bot: TestBot;
  beforeEach(async () => {
    bot = await new TestBot().start();
  });
  afterEach(() => bot.stop());

  it('is told again, one thing or all of it', async () => {
    expect(await bot.say('/recall')).toContain('nothing for you');
    expect(await bot.say('/remember tea Oolong')).toBe('I’ll remember: tea = Oolong');
    await bot.say('/remember cake none\nat all');
    expect(await bot.say('/recall tea')).toBe('tea = Oolong');
    expect(await bot.say('/recall')).toBe('cake = none\nat all\ntea = Oolong');
    expect(await bot.say('/recall milk')).toBe('I remember nothing under milk.');
  });

  it('is forgotten on request, and stays so over a restart', async () => {
    await bot.say('/remember tea Oolong');
    await bot.say('/remember cake none');
    expect(await bot.say('/forget tea')).toBe('Forgotten: tea');
    expect(await bot.say('/forget tea')).toBe('I remember nothing under tea.');
    await bot.restart();
    expect(await bot.say('/recall')).toBe('cake = none');
  });

  it('is the business of this user in this chat alone', async () => {
    await bot.say('/remember tea Oolong', { chatId: -1, userId: 1 });
    expect(await bot.say('/recall tea', { chatId: -1, userId: 2 })).toContain('nothing under');
    expect(await bot.say('/recall tea', { chatId: -2, userId: 1 })).toContain('nothing under');
  });

  it('loses nothing when commands overlap', async () => {
    await bot.say('/remember old value');
    await Promise.all([
      bot.say('/forget old'),
      ...Array.from({ length: 30 }, (_, i) => bot.say(`/remember key${i} value`)),
    ]);
    expect(Object.keys(await bot.cache.getUserData(-1, 1))).toHaveLength(30);
  });

  it.each(['__proto__', 'constructor', 'hasOwnProperty'])('may be called %s', async (key) => {
    expect(await bot.say(`/recall ${key}`)).toContain('nothing under');
    expect(await bot.say(`/forget ${key}`)).toContain('nothing under');
    await bot.say(`/remember ${key} data`);
    await bot.restart();
    expect(await bot.say(`/recall ${key}`)).toBe(`${key} = data`);
    expect(await bot.say('/recall')).toBe(`${key} = data`);
    expect(await bot.say(`/forget ${key}`)).toBe(`Forgotten: ${key}`);
    expect(await bot.say(`/recall ${key}`)).toContain('nothing under');
  });

  it('has limits, and hints where a part is missing', async () => {
    expect(await bot.say('/remember')).toContain('/remember tea Oolong');
    expect(await bot.say('/remember tea')).toContain('/remember tea Oolong');
    expect(await bot.say('/forget')).toContain('/forget tea');
    expect(await bot.say(`/remember ${'k'.repeat(65)} v`)).toContain('at most 64');
    expect(await bot.say(`/remember k ${'v'.repeat(1001)}`)).toContain('at most 1000');
    for (let i = 0; i < 100; i += 1) await bot.say(`/remember key${i} v`);
    expect(await bot.say('/remember another v')).toContain('/forget');
  });
});
