import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InMemoryStorage } from '../../../src/index.js';
import { writeChanges } from '../../../src/testing/contract/changes.js';
import { TestBot } from '../../e2e/support/test-bot.js';
import { ChaosError, ChaosStorage } from '../../support/chaos-storage.js';

describe('when the cache can’t do it, the bot', () => {
  let inner: InMemoryStorage;
  let storage: ChaosStorage;
  let bot: TestBot;
  beforeEach(async () => {
    inner = new InMemoryStorage();
    storage = new ChaosStorage(inner);
    // Short, for what never succeeds, and long enough for a busy machine to write what does.
    bot = await new TestBot(storage, { writeTimeoutMs: 250, checkpointIntervalMs: false }).start();
  });
  afterEach(async () => {
    storage.down = undefined;
    await bot.stop();
  });

  it('says that nothing was saved, and logs the code without the contents', async () => {
    storage.down = new ChaosError('transient');
    expect(await bot.say('/remember secret Rosebud')).toContain('try again');
    storage.down = undefined;
    expect(await bot.say('/recall secret')).toContain('nothing under');
    expect(bot.log.with('WRITE_FAILED chatUsers')).toHaveLength(1);
    expect(bot.log.with('Rosebud')).toEqual([]);
    expect(bot.log.with('secret')).toEqual([]);
  });

  it('says that the database refuses this very entry', async () => {
    storage.poison.add('-1:1');
    expect(await bot.say('/remember tea Oolong')).toContain('can’t store that');
    expect(bot.log.with('ENTRY_REFUSED')).not.toEqual([]);
  });

  it('builds nothing on what it can’t read, and tells the owner where that is', async () => {
    const broken = { key: '-1:1', value: '{ no JSON', expiresAt: null };
    await writeChanges(inner, [{ namespace: 'chatUsers', puts: [broken] }], Date.now());
    await bot.restart();
    expect(await bot.say('/recall')).toContain('can’t be read');
    expect(await bot.say('/remember tea Oolong')).toContain('can’t be read');
    expect(bot.log.with('UNREADABLE_ENTRY chatUsers -1:1')).not.toEqual([]);
    expect(await inner.read('chatUsers', ['-1:1'])).toMatchObject([{ value: '{ no JSON' }]);
  });

  it('answers all the same where only the chat’s info can’t be kept', async () => {
    const broken = { key: '-1', value: 'broken', expiresAt: null };
    await writeChanges(inner, [{ namespace: 'chats', puts: [broken] }], Date.now());
    await bot.restart();
    expect(await bot.say('/remember tea Oolong')).toContain('I’ll remember');
    expect(await bot.say('/set language German')).toContain('can’t be read');
  });

  it('does not butt into the talk of a group', async () => {
    const small = await new TestBot(storage, { overrides: { chats: { maxEntries: 1 } } }).start();
    for (const chatId of [-1, -2]) await small.say('hello', { chatId });
    await small.restart();
    storage.down = new ChaosError('transient');
    const away = [-1, -2].map((chatId) => ({ chatId, botName: 'Gromozeka' }));
    for (const from of away) {
      expect(await small.say('hello', from)).toBe('');
      expect(await small.say('/settings@OtherBot', from)).toBe('');
    }
    const answers = await Promise.all(away.map((from) => small.say('/settings', from)));
    expect(answers).toContainEqual(expect.stringContaining('can’t look that up'));
    storage.down = undefined;
    await small.stop();
  });

  it('still answers when a message comes after the stop', async () => {
    await bot.stop();
    expect(await bot.say('/remember tea Oolong')).toContain('being stopped');
  });

  it('finishes the messages in hand before it stops', async () => {
    storage.hold();
    const answer = bot.say('/remember tea Oolong');
    const stopped = bot.stop();
    storage.release();
    expect(await answer).toContain('I’ll remember');
    await stopped;
    expect(await inner.read('chatUsers', ['-1:1'])).toHaveLength(1);
    expect(await inner.read('chats', ['-1'])).toHaveLength(1);
  });

  it('waits for them for a while only', async () => {
    const stuck = new ChaosStorage(new InMemoryStorage());
    const other = await new TestBot(stuck, { shutdownTimeoutMs: 100 }).start();
    stuck.hold();
    void other.say('/remember tea Oolong');
    const stopAt = performance.now();
    await other.stop();
    expect(performance.now() - stopAt).toBeLessThan(4000);
    stuck.release();
  });
});
