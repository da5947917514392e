import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestBot } from '../../e2e/support/test-bot.js';

describe('the /configure dialogue', () => {
  let bot: TestBot;
  beforeEach(async () => {
    bot = await new TestBot().start();
  });
  afterEach(() => bot.stop());

  it('asks for a setting, then for its value, and stores it', async () => {
    expect(await bot.say('/configure')).toContain('Which setting');
    expect(await bot.say(' language ')).toBe('What shall language be?');
    expect(await bot.say('Low German')).toBe('Set: language = Low German');
    expect(await bot.say('/settings')).toBe('language = Low German');
    expect(await bot.say('just talking')).toBe('');
  });

  it('is over after /cancel', async () => {
    expect(await bot.say('/cancel')).toBe('I was not asking.');
    await bot.say('/configure');
    await bot.say('language');
    expect(await bot.say('/cancel')).toContain('stopped asking');
    expect(await bot.say('German')).toBe('');
    expect(await bot.say('/settings')).toContain('no settings yet');
  });

  it('goes on after another command', async () => {
    await bot.say('/configure');
    await bot.say('/remember tea Oolong');
    expect(await bot.say('language')).toBe('What shall language be?');
  });

  it('listens to its user, in its chat', async () => {
    await bot.say('/configure', { chatId: -1, userId: 1 });
    expect(await bot.say('language', { chatId: -1, userId: 2 })).toBe('');
    expect(await bot.say('language', { chatId: -2, userId: 1 })).toBe('');
    expect(await bot.say('', { chatId: -1, userId: 1 })).toBe('');
    expect(await bot.say('language', { chatId: -1, userId: 1 })).toBe('What shall language be?');
  });

  it('asks again where the answer won’t do', async () => {
    await bot.say('/configure');
    expect(await bot.say('two words')).toContain('one word');
    expect(await bot.say('k'.repeat(65))).toContain('at most 64');
    await bot.say('language');
    expect(await bot.say('v'.repeat(1001))).toContain('at most 1000');
    expect(await bot.say('German')).toBe('Set: language = German');
  });

  it('takes one of two overlapping messages for the value', async () => {
    await bot.say('/configure');
    await bot.say('language');
    const answers = await Promise.all([bot.say('German'), bot.say('French')]);
    expect(answers.toSorted()).toEqual(['', expect.stringContaining('Set: language')]);
  });

  it('is forgotten at a restart', async () => {
    await bot.say('/configure');
    await bot.say('language');
    await bot.restart();
    expect(await bot.say('German')).toBe('');
    expect(await bot.say('/settings')).toContain('no settings yet');
  });
});
