import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestBot } from '../../e2e/support/test-bot.js';

describe('a message', () => {
  let bot: TestBot;
  beforeEach(async () => {
    bot = await new TestBot().start();
  });
  afterEach(() => bot.stop());

  it('keeps the info of its chat current, however many overlap', async () => {
    await bot.say('/set language German');
    await Promise.all(Array.from({ length: 50 }, () => bot.say('hello')));
    expect(await bot.cache.getChatInfo(-1)).toEqual({
      title: 'Tea club',
      type: 'group',
      messages: 51,
      lastSeen: '2026-01-02T03:04:05.000Z',
    });
    await bot.restart();
    expect(await bot.say('/info')).toBe(
      'Tea club (group)\nMessages: 52\nLast message: 2026-01-02T03:04:05.000Z',
    );
    expect(await bot.say('/settings')).toBe('language = German');
  });

  it('gets a hint in private, and silence in a group', async () => {
    expect(await bot.say('hello', { chatId: 1, type: 'private' })).toContain('/help');
    expect(await bot.say('', { chatId: 1, type: 'private' })).toBe('');
    expect(await bot.say('hello')).toBe('');
  });

  it('is helped on when its command is unknown', async () => {
    expect(await bot.say('/remeber tea')).toContain('/remember');
    expect(await bot.say('/sett')).toContain('/settings or /set');
    expect(await bot.say('/xyz')).toBe('I don’t know this command. /help lists those I know.');
    expect(await bot.say('/toString')).toContain('don’t know');
    expect(await bot.say('/')).toBe('');
    expect(await bot.say('/ set a b')).toBe('');
  });

  it('finds every command in the help', async () => {
    const help = await bot.say('/help');
    const commands =
      'start help settings set unset configure cancel remember recall forget info stats primes'.split(' ');
    expect(help.split('\n').map((line) => /^\/(\w+)/.exec(line)?.[1])).toEqual(commands);
    expect(await bot.say('/start')).toContain('/help');
  });

  it('can ask for the figures of the cache', async () => {
    await bot.say('/remember tea Oolong');
    const table = (await bot.say('/stats')).split('\n');
    expect(table[0]).toMatch(/^namespace +level +size +dirty +hits$/);
    expect(table).toContainEqual(expect.stringMatching(/^chats +on_shutdown +1 +1 /));
    expect(table).toContainEqual(expect.stringMatching(/^chatUsers +on_change +1 +0 /));
    expect(new Set(table.map((line) => line.length)).size).toBe(1);
  });
});
