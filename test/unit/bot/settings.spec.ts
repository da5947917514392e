import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestBot } from '../../e2e/support/test-bot.js';

describe('the settings of a chat', () => {
  let bot: TestBot;
  beforeEach(async () => {
    bot = await new TestBot().start();
  });
  afterEach(() => bot.stop());

  it('are set, listed by key, and removed', async () => {
    expect(await bot.say('/settings')).toContain('no settings yet');
    expect(await bot.say('/set language  German, please')).toBe('Set: language = German, please');
    await bot.say('/set city Berlin');
    expect(await bot.say('/settings')).toBe('city = Berlin\nlanguage = German, please');
    expect(await bot.say('/unset city')).toBe('Removed the setting city.');
    expect(await bot.say('/unset city')).toBe('There is no setting city.');
    expect(await bot.say('/settings')).toBe('language = German, please');
  });

  it('belong to their chat, and outlive a restart', async () => {
    await bot.say('/set language German', { chatId: -1 });
    await bot.say('/set language French', { chatId: -2 });
    await bot.say('/set city Berlin', { chatId: -1 });
    await bot.say('/unset city', { chatId: -1 });
    await bot.restart();
    expect(await bot.say('/settings', { chatId: -1 })).toBe('language = German');
    expect(await bot.say('/settings', { chatId: -2 })).toBe('language = French');
  });

  it('lose nothing when commands overlap', async () => {
    const keys = Array.from({ length: 50 }, (_, i) => `key${String(i).padStart(2, '0')}`);
    await Promise.all(keys.map((key) => bot.say(`/set ${key} value`)));
    await Promise.all(keys.slice(25).map((key) => bot.say(`/unset ${key}`)));
    expect(await bot.say('/settings')).toBe(
      keys
        .slice(0, 25)
        .map((key) => `${key} = value`)
        .join('\n'),
    );
  });

  it('are reached by commands that name the bot', async () => {
    expect(await bot.say('/set@GromozekaBot city Berlin', { botName: 'gromozekabot' })).toContain('Berlin');
    expect(await bot.say('/set@OtherBot city Paris', { botName: 'gromozekabot' })).toBe('');
    expect(await bot.say('/SETTINGS@anything')).toBe('city = Berlin');
  });

  it.each(['__proto__', 'constructor', 'toString'])('take %s as a key like any other', async (key) => {
    expect(await bot.say(`/unset ${key}`)).toBe(`There is no setting ${key}.`);
    await bot.say(`/set ${key} data`);
    await bot.restart();
    expect(await bot.say('/settings')).toBe(`${key} = data`);
    expect(await bot.say(`/unset ${key}`)).toBe(`Removed the setting ${key}.`);
  });

  it('say how the command goes when a part is missing', async () => {
    expect(await bot.say('/set')).toContain('/set language German');
    expect(await bot.say('/set language')).toContain('/set language German');
    expect(await bot.say('/unset')).toContain('/unset language');
  });

  it('have limits, which the answer tells', async () => {
    expect(await bot.say(`/set ${'k'.repeat(64)} v`)).toContain('Set:');
    expect(await bot.say(`/set ${'k'.repeat(65)} v`)).toContain('at most 64');
    expect(await bot.say(`/set key ${'v'.repeat(1000)}`)).toContain('Set:');
    expect(await bot.say(`/set key ${'v'.repeat(1001)}`)).toContain('at most 1000');
    await Promise.all(Array.from({ length: 110 }, (_, i) => bot.say(`/set key${i} v`)));
    expect(Object.keys(await bot.cache.getChatSettings(-1))).toHaveLength(100);
    expect(await bot.say('/set another v')).toContain('/unset');
    expect(await bot.say('/set key v')).toContain('Set:');
  });
});
