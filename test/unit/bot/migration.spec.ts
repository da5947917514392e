import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestBot } from '../../e2e/support/test-bot.js';

const GROUP = { chatId: -5 };
const SUPERGROUP = { chatId: -1005, type: 'supergroup' };

describe('a group that becomes a supergroup', () => {
  let bot: TestBot;
  beforeEach(async () => {
    bot = await new TestBot().start();
    await bot.say('/set language German', GROUP);
    await bot.say('/remember tea Oolong', { ...GROUP, userId: 1 });
    await bot.say('/remember tea Assam', { ...GROUP, userId: 2 });
  });
  afterEach(() => bot.stop());

  it('keeps its settings and its count', async () => {
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    await bot.restart();
    expect(await bot.say('/settings', SUPERGROUP)).toBe('language = German');
    expect(await bot.say('/info', SUPERGROUP)).toContain('(supergroup)\nMessages: 5');
    expect(await bot.cache.chats.has(GROUP.chatId)).toBe(false);
  });

  it('keeps what its users had remembered, for each when they next write', async () => {
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    expect(await bot.say('/recall tea', { ...SUPERGROUP, userId: 1 })).toBe('tea = Oolong');
    await bot.restart();
    const overlapping = ['/remember cake none', '/recall tea', '/remember milk a little'];
    await Promise.all(overlapping.map((text) => bot.say(text, { ...SUPERGROUP, userId: 2 })));
    expect(await bot.say('/recall', { ...SUPERGROUP, userId: 2 })).toBe(
      'cake = none\nmilk = a little\ntea = Assam',
    );
    expect(await bot.say('/recall', { ...SUPERGROUP, userId: 3 })).toContain('nothing for you');
  });

  it('is moved once, though both chats announce it', async () => {
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    await bot.say('/set city Berlin', SUPERGROUP);
    await bot.migration.move(GROUP.chatId, SUPERGROUP.chatId);
    expect(await bot.say('/settings', SUPERGROUP)).toBe('city = Berlin\nlanguage = German');
  });
});
